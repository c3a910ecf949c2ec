// A worker process: runs the data plane of the configuration on shared ports and answers the main process.

import { adoptProcessSecret } from '../../core/process-secret.ts'
import type { ProxyConfig } from '../../config/model/proxy.ts'
import { closeCause } from '../../core/close-cause.ts'
import { systemClock } from '../../core/clock.ts'
import type { ApplicationLog } from '../../observe/log.ts'
import type { TunnelEntry } from '../../observe/ledger/ledger.ts'
import type { Stat } from '../../observe/stats/registry.ts'
import { addressesOf } from '../../server/server.ts'
import { clusterStatus } from '../admin-context.ts'
import { Proxy } from '../proxy.ts'
import type { FromWorker, ToWorker, WorkerSnapshot, WorkerStat, WorkerTunnel } from './messages.ts'

/** Whether this process was started as a worker. */
export const isWorker = (): boolean => process.env['SLUICE_WORKER'] !== undefined && process.send !== undefined

/** Serves until the main process says stop or is gone. `ready` is called when the proxy accepts. */
export async function runWorker(
  config: ProxyConfig,
  log: ApplicationLog,
  ready: (proxy: Proxy) => void,
): Promise<void> {
  // The main process decides about signals, which a terminal sends to the whole group.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => undefined)
  const stopping = stopRequest()
  const start = await Promise.race([nextStart(), stopping.then(() => undefined)])
  if (start === undefined) return leave()
  adoptProcessSecret(start.ticketKey)
  const proxy = new Proxy(
    { ...config, admin: undefined },
    log,
    {},
    {
      reusePort: true,
      ports: start.ports,
      bindPipes: start.bindPipes,
      ticketKey: Buffer.from(start.ticketKey, 'base64'),
    },
  )
  if (start.admin !== undefined) proxy.services.ownListeners.add(start.admin.host, start.admin.port)
  try {
    await proxy.start()
  } catch (error) {
    say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
    await proxy.stop()
    return
  }
  ready(proxy)
  say({ kind: 'ready', listeners: listenersOf(proxy), warnings: proxy.lookupWarnings() })
  await new Promise<void>((resolve) => {
    process.on('message', (message: ToWorker) => {
      if (message.kind !== 'stop') obey(message, proxy, log)
    })
    void stopping.then((drainSeconds) => proxy.shutdown(drainSeconds)).then(resolve)
    process.once('disconnect', () => void proxy.stop().then(resolve))
  })
  leave()
}

/** Lets go of the main process, which keeps this one alive. */
function leave(): void {
  if (process.connected) process.disconnect?.()
}

/** The drain time of the first `stop`, which may come before anything has started. A second one means: at once. */
function stopRequest(): Promise<number> {
  let asked = false
  return new Promise((resolve) => {
    process.on('message', (message: ToWorker) => {
      if (message.kind !== 'stop') return
      if (asked) process.exit(0)
      asked = true
      resolve(message.drainSeconds)
    })
  })
}

type Start = Extract<ToWorker, { kind: 'start' }>

function nextStart(): Promise<Start> {
  return new Promise((resolve) => {
    const onMessage = (message: ToWorker): void => {
      if (message.kind !== 'start') return
      process.off('message', onMessage)
      resolve(message)
    }
    process.on('message', onMessage)
    say({ kind: 'hello' })
  })
}

function say(message: FromWorker): void {
  process.send?.(message)
}

function obey(message: Exclude<ToWorker, { kind: 'stop' }>, proxy: Proxy, log: ApplicationLog): void {
  const { actions } = proxy
  switch (message.kind) {
    case 'snapshot':
      actions.refreshStats()
      return say(snapshotOf(proxy, message.id))
    case 'close-tunnel':
      return proxy.services.ledger
        .get(message.id)
        ?.close(closeCause('operator', 'server', 'admin_close', 'closed by an operator'))
    case 'drain':
      return actions.drainListeners({ graceful: true, inboundOnly: message.inboundOnly, skipExit: message.skipExit })
    case 'health':
      return message.failing ? actions.failHealthCheck() : actions.passHealthCheck()
    case 'reopen-logs':
      return actions.reopenLogs()
    case 'log-level':
      if (message.component === undefined) log.setLevel(message.level)
      else log.setComponentLevel(message.component, message.level)
      return
    case 'start':
      return
  }
}

function listenersOf({ server }: Proxy): Extract<FromWorker, { kind: 'ready' }>['listeners'] {
  return server.listeners.map((bound) => ({ name: bound.config.name, addresses: addressesOf(bound) }))
}

function snapshotOf(proxy: Proxy, id: number): WorkerSnapshot {
  const { registry, ledger } = proxy.services
  return {
    kind: 'snapshot',
    id,
    stats: registry.all().map(statOf),
    tunnels: [...ledger.entries()].map(tunnelOf),
    opened: ledger.opened,
    clusters: [...proxy.server.clusters.values()].map((cluster) => ({
      name: cluster.name,
      hosts: clusterStatus(cluster).hosts,
    })),
  }
}

function statOf(stat: Stat): WorkerStat {
  const { kind, name, extracted, tags } = stat
  if (stat.kind !== 'histogram') return { kind, name, extracted, tags, value: stat.value }
  return { kind, name, extracted, tags, value: stat.count, buckets: [...stat.buckets], sum: stat.sum }
}

function tunnelOf(entry: TunnelEntry): WorkerTunnel {
  const now = systemClock.now()
  const { id, type, openedWallMs, client, listener, method, authority, path, route, routePlace, cluster, endpoint } =
    entry
  const { downstreamProtocol, upstreamProtocol, hopNote, requestId } = entry
  return {
    ...{ id, type, openedWallMs, client, listener, method, authority, path, route, routePlace, cluster, endpoint },
    ...{ downstreamProtocol, upstreamProtocol, hopNote, requestId },
    ageMs: now - entry.openedMs,
    idleMs: now - entry.lastActivityMs(),
    fromClient: entry.fromClient(),
    fromUpstream: entry.fromUpstream(),
    queued: entry.queuedBytes(),
  }
}
