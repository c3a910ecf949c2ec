// Probes a port of this machine once, or several times with one prober, over real sockets.

import type { ProbeOutcome, Prober } from '../../../../src/cluster/health/prober.ts'
import type { Cluster } from '../../../../src/config/model/cluster.ts'
import type { HealthCheck, Probe } from '../../../../src/config/model/health-check.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { Endpoint } from '../../../../src/cluster/endpoint.ts'
import { InternalNetwork } from '../../../../src/transport/internal.ts'
import { proberFactory } from '../../../../src/upstream/health/prober-factory.ts'
import { within } from '../../../support/waiting.ts'
import { cluster, endpointConfig, socket } from '../../cluster/build.ts'
import { healthCheck } from '../../cluster/health/build.ts'

export const httpProbe = (more: Partial<Extract<Probe, { kind: 'http' }>> = {}): Probe => ({
  kind: 'http',
  version: 'http1',
  method: 'GET',
  path: '/',
  host: '',
  headers: { add: [], remove: [] },
  body: undefined,
  expected: [{ first: 200, last: 200 }],
  retriable: [],
  expectedHeaders: [],
  expectedBody: [],
  maxBodyBytes: 1024,
  serviceName: undefined,
  ...more,
})

export const tcpProbe = (more: Partial<Extract<Probe, { kind: 'tcp' }>> = {}): Probe => ({
  kind: 'tcp',
  send: undefined,
  receive: [],
  proxyProtocol: undefined,
  ...more,
})

export const grpcProbe = (service = ''): Probe => ({
  kind: 'grpc',
  service,
  authority: '',
  metadata: { add: [], remove: [] },
})

export const webSocketProbe = (more: Partial<Extract<Probe, { kind: 'websocket' }>> = {}): Probe => ({
  kind: 'websocket',
  path: '/',
  host: '',
  headers: { add: [], remove: [] },
  subprotocols: [],
  expected: [{ first: 101, last: 101 }],
  expectedHeaders: [],
  ping: false,
  ...more,
})

export interface Probing {
  readonly prober: Prober
  /** What the next probe comes to; `timeout: …` when it takes longer than the check allows. */
  once(): Promise<ProbeOutcome | string>
  close(): void
}

export function probing(port: number, check: Partial<HealthCheck>, of: Partial<Cluster> = {}): Probing {
  const made = healthCheck({ timeoutMs: 2000, ...check })
  const to = cluster(of)
  const factory = proberFactory(to, {
    clock: systemClock,
    internal: new InternalNetwork(65_536),
    resolver: { resolve: () => Promise.reject(new Error('no names here')) },
  })
  const endpoint = new Endpoint(endpointConfig('127.0.0.1'), [socket('127.0.0.1', port)])
  const prober = factory(endpoint, made)
  const one = (): Promise<ProbeOutcome | string> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        const { waitsFor, hint } = prober
        prober.abandon()
        resolve(`timeout: ${waitsFor}${hint === '' ? '' : ` (${hint})`}`)
      }, made.timeoutMs)
      prober.probe({
        onProbed(outcome) {
          clearTimeout(timer)
          resolve(outcome)
        },
      })
    })
  return { prober, once: () => within(one(), 'the outcome of a probe'), close: () => prober.close() }
}

/** One probe with a prober of its own. */
export async function probeOnce(
  port: number,
  check: Partial<HealthCheck>,
  of: Partial<Cluster> = {},
): Promise<ProbeOutcome | string> {
  const made = probing(port, check, of)
  try {
    return await made.once()
  } finally {
    made.close()
  }
}

/** Outcome in a few words: `passed`, `network: …`, `active: …`. */
export const words = (outcome: ProbeOutcome | string): string =>
  typeof outcome === 'string'
    ? outcome
    : outcome.kind === 'success'
      ? outcome.degraded
        ? 'degraded'
        : 'passed'
      : `${outcome.type}${outcome.atOnce ? '!' : ''}: ${outcome.reason}${outcome.hint === '' ? '' : ` (${outcome.hint})`}`
