// The whole bootstrap: static resources, admin and node. Envoy: config.bootstrap.v3.Bootstrap.

import { isMessage } from '@bufbuild/protobuf'
import type { AdminConfig, ProxyConfig } from '../model/proxy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { defaultFileLog, lowerAccessLogs } from './lower-access-log.ts'
import { lowerIpAddress } from './lower-address.ts'
import { lowerClusters } from './lower-cluster.ts'
import { each } from './lower-each.ts'
import { registerInternalListeners } from './lower-internal-listener.ts'
import { lowerListeners } from './lower-listener.ts'
import { lowerModelPart } from './lower-model-part.ts'
import { registerSecrets } from './lower-secrets.ts'
import { lowerStringMatch } from './lower-string-match.ts'
import { ModelPartSchema, SocketAddress_Protocol, type Admin, type Bootstrap } from './messages.ts'
import { warnOfOpenProxies } from './open-proxy.ts'
import { warnOfHttpChecksOfWebSockets } from './websocket-check.ts'

/** `dump` is the configuration as read, already redacted. */
export function lowerBootstrap(loading: Loading, message: Bootstrap, spot: Spot, dump: unknown): ProxyConfig {
  const resources = message.staticResources
  const at = spot.field('static_resources')
  for (const cluster of resources?.clusters ?? []) loading.clusterNames.add(cluster.name)
  const internalBufferBytes = registerInternalListeners(loading, message)
  registerSecrets(loading, resources?.secrets ?? [], at.field('secrets'))
  const clusters = lowerClusters(loading, resources?.clusters ?? [], at.field('clusters'))
  const listeners = lowerListeners(loading, resources?.listeners ?? [], at.field('listeners'))
  warnOfOpenProxies(loading, listeners, clusters)
  warnOfHttpChecksOfWebSockets(loading, listeners, clusters)
  if (listeners.length === 0)
    loading.warning(spot, 'there is no listener: nothing is accepted', 'listeners stand in static_resources')
  return {
    listeners,
    clusters,
    admin: message.admin && lowerAdmin(loading, message.admin, spot.field('admin')),
    node: {
      id: loading.options.nodeId ?? message.node?.id ?? '',
      cluster: loading.options.nodeCluster ?? message.node?.cluster ?? '',
    },
    internalBufferBytes,
    headerPrefix: message.headerPrefix === '' ? 'x-envoy' : message.headerPrefix,
    ...lowerPart(loading, message, spot.field('bootstrap_extensions')),
    dump,
  }
}

/** What `sluice convert` writes beside Envoy's fields. */
function lowerPart(
  loading: Loading,
  { bootstrapExtensions }: Bootstrap,
  spot: Spot,
): Partial<Pick<ProxyConfig, 'headerPrefix'>> {
  for (const [index, { typedConfig }] of bootstrapExtensions.entries()) {
    const config = loading.unpack(typedConfig)
    if (isMessage(config, ModelPartSchema))
      return lowerModelPart<ProxyConfig>(loading, config, spot.at(index).field('typed_config'))
  }
  return {}
}

/** Without an address there is no admin server. */
function lowerAdmin(loading: Loading, message: Admin, spot: Spot): AdminConfig | undefined {
  const address = lowerIpAddress(
    loading,
    message.address,
    spot.field('address'),
    'the admin server binds an IP address, such as 127.0.0.1',
  )
  if (address === undefined) return undefined
  const { case: kind, value } = message.address?.address ?? { case: undefined, value: undefined }
  if (kind === 'envoyInternalAddress' || (kind === 'socketAddress' && value.protocol === SocketAddress_Protocol.UDP))
    loading.error(spot.field('address'), 'the admin server binds a TCP address or a pipe')
  const oldLog =
    message.accessLogPath === '' ? [] : [defaultFileLog(loading, message.accessLogPath, spot.field('access_log_path'))]
  return {
    address,
    accessLogs: [...lowerAccessLogs(loading, message.accessLog, spot.field('access_log')), ...oldLog],
    allowPaths: each(message.allowPaths, spot.field('allow_paths'), (matcher, at) =>
      lowerStringMatch(loading, matcher, at),
    ),
    place: spot.place,
  }
}
