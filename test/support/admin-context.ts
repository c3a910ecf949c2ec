// A server as the admin interface sees it, with everything it was told to do written down.

import { closeCause, type CloseCause } from '../../src/core/close-cause.ts'
import type { AdminContext, ServerState } from '../../src/admin/context.ts'
import { NOWHERE } from '../../src/config/model/place.ts'
import type { ProxyConfig } from '../../src/config/model/proxy.ts'
import { Ledger } from '../../src/observe/ledger/ledger.ts'
import { ApplicationLog } from '../../src/observe/log.ts'
import { Rates } from '../../src/observe/metrics/rates.ts'
import { observe, StatRegistry } from '../../src/observe/stats/registry.ts'
import { address, START_WALL_MS } from './exchange-facts.ts'
import { tunnelEntry } from './tunnel-entry.ts'

export interface AdminStage {
  readonly context: AdminContext
  /** What the server was told to do, in order. */
  readonly done: string[]
  readonly ledger: Ledger
  readonly registry: StatRegistry
  state: ServerState
  config: ProxyConfig
}

export function adminStage(): AdminStage {
  const done: string[] = []
  const ledger = new Ledger()
  const registry = new StatRegistry()
  registry.counter('http.ingress.downstream_rq_total').value = 5
  registry.counter('http.ingress.no_route')
  observe(registry.histogram('http.ingress.downstream_rq_time'), 7)
  const log = new ApplicationLog({ level: 'info', write: () => undefined })
  log.component('admin')
  log.component('listener')
  const breakers = { maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3, place: NOWHERE }
  const stage: AdminStage = {
    done,
    ledger,
    registry,
    state: 'LIVE',
    config: EMPTY_CONFIG,
    context: {
      clock: { now: () => 9000, wallNow: () => START_WALL_MS, after: () => ({ cancel: () => undefined }) },
      registry,
      rates: new Rates(),
      ledger,
      levels: log,
      server: {
        version: 'sluice/0.1.0',
        startedMs: 2000,
        commandLine: { concurrency: 2, config_path: 'sluice.yaml' },
        state: () => stage.state,
        pendingTargets: () => (stage.state === 'INITIALIZING' ? ['cluster app'] : []),
      },
      actions: {
        drainListeners: (options) => done.push(`drain ${JSON.stringify(options)}`),
        quit: () => done.push('quit'),
        failHealthCheck: () => done.push('fail'),
        passHealthCheck: () => done.push('pass'),
        reopenLogs: () => done.push('reopen'),
        refreshStats: () => {
          registry.gauge('server.uptime').value = 7
        },
      },
      config: () => stage.config,
      configLoadedWallMs: () => START_WALL_MS,
      clusters: () => [
        {
          name: 'app',
          observabilityName: 'app',
          circuitBreakers: { default: breakers, high: breakers },
          hosts: [
            { ...HOST, address: address('127.0.0.1', 3000) },
            { ...HOST, address: address('/run/app.sock', 0), healthFlags: ['failed_active_hc'] },
          ],
        },
        {
          name: 'other',
          observabilityName: 'other',
          circuitBreakers: { default: breakers, high: breakers },
          hosts: [],
        },
      ],
      listeners: () => [{ name: 'ingress', addresses: [address('127.0.0.1', 10000), address('::1', 10000)] }],
    },
  }
  return stage
}

/** Opens a tunnel that leaves the ledger when it is closed; answers the causes it was closed with. */
export function openTunnel(stage: AdminStage, id: number, path: string): CloseCause[] {
  const causes: CloseCause[] = []
  const entry = tunnelEntry({
    id,
    path,
    close(cause) {
      causes.push(cause)
      const end = {
        cause: closeCause('operator', 'server', 'admin_close'),
        durationMs: 1,
        closeCode: undefined,
        closeReason: '',
        closeFrameBy: undefined,
      }
      stage.ledger.close(entry, end)
    },
  })
  stage.ledger.open(entry)
  return causes
}

const HOST = {
  hostname: 'app.internal',
  weight: 1,
  priority: 0,
  region: 'eu',
  zone: 'a',
  subZone: '',
  healthFlags: [],
  cxActive: 1,
  cxConnectFail: 2,
  cxTotal: 3,
  rqActive: 4,
  rqError: 5,
  rqSuccess: 6,
  rqTimeout: 7,
  rqTotal: 8,
}

export const EMPTY_CONFIG: ProxyConfig = {
  listeners: [],
  clusters: new Map(),
  admin: undefined,
  node: { id: 'n1', cluster: 'edge' },
  internalBufferBytes: 1024 * 1024,
  headerPrefix: 'x-envoy',
  dump: {},
}
