// The model as Envoy configuration: what `sluice convert --to envoy` prints. The other way round from config/envoy; what
// Envoy has no words for stands beside it in messages of Sluice's own.

import type { AdminConfig, ProxyConfig } from '../model/proxy.ts'
import { accessLogs } from './access-log.ts'
import { addressMessage } from './address.ts'
import { clusterMessage } from './cluster.ts'
import { extension, fields, type Fields, listOf, unless, unlessEmpty } from './json.ts'
import { listenerMessage } from './listener.ts'
import { modelPart } from './model-part.ts'
import { stringMatcher } from './string-match.ts'

/** config.bootstrap.v3.Bootstrap. Holds the private keys of the configuration. */
export function toEnvoy(config: ProxyConfig): Fields {
  const { node } = config
  const clusters = new Set(config.clusters.keys())
  return fields({
    node: unlessEmpty(fields({ id: unless(node.id, ''), cluster: unless(node.cluster, '') })),
    admin: config.admin && adminMessage(config.admin),
    bootstrap_extensions: listOf(bootstrapExtensions(config), (each) => each),
    header_prefix: config.headerPrefix === '' ? undefined : unless(config.headerPrefix, 'x-envoy'),
    static_resources: fields({
      listeners: listOf(config.listeners, (listener) => listenerMessage(listener, clusters)),
      clusters: listOf([...config.clusters.values()], clusterMessage),
    }),
  })
}

/** Envoy's headers always have a prefix; those of other dialects may have none. */
const bootstrapExtensions = ({ listeners, internalBufferBytes, headerPrefix }: ProxyConfig): readonly Fields[] => [
  ...(listeners.some(({ internal }) => internal) ? [internalListeners(internalBufferBytes)] : []),
  ...(headerPrefix === '' ? [{ name: 'sluice.bootstrap.model', typed_config: modelPart({ headerPrefix }) ?? {} }] : []),
]

const internalListeners = (bufferBytes: number): Fields =>
  extension(
    'envoy.bootstrap.internal_listener',
    'envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
    bufferBytes === 1024 * 1024 ? {} : { buffer_size_kb: bufferBytes / 1024 },
  )

const adminMessage = ({ address, accessLogs: logs, allowPaths }: AdminConfig): Fields =>
  fields({
    address: addressMessage(address),
    access_log: accessLogs(logs),
    allow_paths: listOf(allowPaths, stringMatcher),
  })
