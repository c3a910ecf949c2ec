// The Gateway API dialect: Kubernetes manifests in, model, findings and status conditions out. Read, checked against each
// kind's schema, attached to one another as a controller would, and lowered.

import { sortDiagnostics } from '../diagnostics.ts'
import type { DialectOptions, LoadedConfig } from '../dialect.ts'
import type { ProxyConfig } from '../model/proxy.ts'
import type { SourceText } from '../source/read-file.ts'
import { attachRoutes } from './attach/attach.ts'
import { finishRoutes } from './finish-routes.ts'
import type { BoundGateway } from './gateways/bound-gateway.ts'
import { buildGateways } from './gateways/build.ts'
import { judgeClasses } from './gateways/classes.ts'
import { finishGateways } from './gateways/finish.ts'
import { lowerPorts } from './gateways/lower-ports.ts'
import { judgePolicies } from './policy/judge.ts'
import { readObjects } from './read.ts'
import { objectsWithStatus } from './status.ts'
import { Working } from './working.ts'

/**
 * Loads manifests. Never throws for what a text says. An error concerns its object alone: the others work, as in a cluster,
 * and `config` is there as long as one Gateway listens. Only without any is it undefined.
 */
export function loadGatewayApi(sources: readonly SourceText[], options: DialectOptions = {}): Promise<LoadedConfig> {
  const working = new Working(options)
  readObjects(working, sources)
  judgeClasses(working)
  const gateways = buildGateways(working)
  const states = gateways.map(({ state }) => state)
  attachRoutes(working, states)
  judgePolicies(working, states)
  const config = lower(working, gateways)
  finishGateways(working, gateways)
  finishRoutes(states)
  const objects = objectsWithStatus(working, gateways)
  if (config.listeners.length === 0) nothingListens(working, sources)
  return Promise.resolve({
    dialect: 'gateway-api',
    config: config.listeners.length === 0 ? undefined : { ...config, dump: objects.map(({ value }) => value) },
    diagnostics: sortDiagnostics(working.diagnostics),
    objects,
  })
}

function lower(working: Working, gateways: readonly BoundGateway[]): ProxyConfig {
  const listeners = lowerPorts(working, gateways)
  return {
    listeners,
    clusters: working.clusters,
    admin: undefined,
    node: { id: '', cluster: '' },
    internalBufferBytes: 1024 * 1024,
    headerPrefix: 'x-envoy',
    dump: undefined,
  }
}

function nothingListens(working: Working, sources: readonly SourceText[]): void {
  const [first] = sources
  const file = first === undefined ? 'configuration' : first.kind === 'file' ? first.path : first.name
  working.diagnostics.push({
    severity: 'error',
    place: { file, line: 0, column: 0, path: '' },
    message: 'there is no Gateway that could listen',
    hint: 'a Gateway needs a listener with protocol HTTP, HTTPS, TLS or TCP',
  })
}
