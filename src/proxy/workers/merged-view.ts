// One view over all workers: statistics added up, tunnels and hosts side by side. Brought up to date before each admin page.

import type { ClusterStatus, HostStatus } from '../../admin/context.ts'
import { systemClock } from '../../core/clock.ts'
import type { ProxyConfig } from '../../config/model/proxy.ts'
import type { TunnelBook, TunnelEntry } from '../../observe/ledger/ledger.ts'
import { StatRegistry } from '../../observe/stats/registry.ts'
import { gaugeMerge } from './gauge-merge.ts'
import type { WorkerSnapshot, WorkerStat, WorkerTunnel } from './messages.ts'

/** Tunnel ids are unique in a worker only: the view's are `id * SPREAD + worker`. */
const SPREAD = 1024

export class MergedView implements TunnelBook {
  readonly registry = new StatRegistry()
  opened = 0
  #tunnels: TunnelEntry[] = []
  #hosts = new Map<string, HostStatus[]>()
  readonly #close: (worker: number, id: number) => void

  constructor(close: (worker: number, id: number) => void) {
    this.#close = close
  }

  get size(): number {
    return this.#tunnels.length
  }

  entries(): IterableIterator<TunnelEntry> {
    return this.#tunnels.values()
  }

  get(id: number): TunnelEntry | undefined {
    return this.#tunnels.find((entry) => entry.id === id)
  }

  clusters(config: ProxyConfig): ClusterStatus[] {
    return [...config.clusters.values()].map(({ name, statName, circuitBreakers }) => ({
      name,
      observabilityName: statName,
      circuitBreakers,
      hosts: this.#hosts.get(name) ?? [],
    }))
  }

  /** Takes one snapshot of each worker. */
  update(snapshots: ReadonlyMap<number, WorkerSnapshot>): void {
    this.#tunnels = []
    this.#hosts = new Map()
    this.opened = 0
    const fresh = new Set<string>()
    for (const [worker, snapshot] of snapshots) {
      this.opened += snapshot.opened
      for (const stat of snapshot.stats) this.#add(stat, fresh)
      for (const tunnel of snapshot.tunnels) this.#tunnels.push(this.#entry(worker, tunnel))
      for (const { name, hosts } of snapshot.clusters) this.#addHosts(name, hosts)
    }
    this.#forget(fresh)
  }

  #add(stat: WorkerStat, fresh: Set<string>): void {
    const { kind, name, extracted, tags, value } = stat
    const first = !fresh.has(name)
    fresh.add(name)
    if (kind === 'counter' || kind === 'gauge') {
      const whole = this.registry[kind](name, extracted, tags)
      if (first) whole.value = value
      else whole.value = kind === 'counter' ? whole.value + value : merged(extracted, whole.value, value)
      return
    }
    const whole = this.registry.histogram(name, extracted, tags)
    if (first) whole.buckets.fill(0)
    stat.buckets?.forEach((count, index) => {
      whole.buckets[index] = (whole.buckets[index] ?? 0) + count
    })
    whole.count = (first ? 0 : whole.count) + value
    whole.sum = (first ? 0 : whole.sum) + (stat.sum ?? 0)
  }

  /** What nobody told of any more is nothing: a worker that died took its connections with it. */
  #forget(fresh: ReadonlySet<string>): void {
    for (const stat of this.registry.all()) if (stat.kind === 'gauge' && !fresh.has(stat.name)) stat.value = 0
  }

  #addHosts(cluster: string, hosts: readonly HostStatus[]): void {
    const known = this.#hosts.get(cluster)
    if (known === undefined) {
      this.#hosts.set(cluster, [...hosts])
      return
    }
    for (const host of hosts) {
      const index = known.findIndex(({ address }) => address.text === host.address.text)
      const other = known[index]
      if (other === undefined) known.push(host)
      else known[index] = sumOf(other, host)
    }
  }

  #entry(worker: number, tunnel: WorkerTunnel): TunnelEntry {
    const now = systemClock.now()
    const { fromClient, fromUpstream, queued, ageMs, idleMs, ...rest } = tunnel
    return {
      ...rest,
      denseIndex: -1,
      id: tunnel.id * SPREAD + worker,
      openedMs: now - ageMs,
      fromClient: () => fromClient,
      fromUpstream: () => fromUpstream,
      lastActivityMs: () => now - idleMs,
      queuedBytes: () => queued,
      close: () => this.#close(worker, tunnel.id),
    }
  }
}

function merged(name: string, a: number, b: number): number {
  switch (gaugeMerge(name)) {
    case 'sum':
      return a + b
    case 'most':
      return Math.max(a, b)
    case 'least':
      return Math.min(a, b)
  }
}

/** Every worker checks and ejects for itself: a flag that one of them has raised is shown. */
function sumOf(a: HostStatus, b: HostStatus): HostStatus {
  return {
    ...a,
    healthFlags: [...new Set([...a.healthFlags, ...b.healthFlags])],
    cxActive: a.cxActive + b.cxActive,
    cxConnectFail: a.cxConnectFail + b.cxConnectFail,
    cxTotal: a.cxTotal + b.cxTotal,
    rqActive: a.rqActive + b.rqActive,
    rqError: a.rqError + b.rqError,
    rqSuccess: a.rqSuccess + b.rqSuccess,
    rqTimeout: a.rqTimeout + b.rqTimeout,
    rqTotal: a.rqTotal + b.rqTotal,
  }
}
