// What the main process and its workers say to one another over the IPC channel. Plain data only.

import type { HostStatus } from '../../admin/context.ts'
import type { StatTag } from '../../observe/stats/registry.ts'
import type { LogLevel } from '../../observe/log.ts'

/** Ports that listeners got where the configuration says 0, by `listener name#address index`. */
export type BoundPorts = Readonly<Record<string, number>>

export type ToWorker =
  | {
      readonly kind: 'start'
      readonly ports: BoundPorts
      readonly bindPipes: boolean
      readonly ticketKey: string
      /** Where the main process has its admin pages, which clients must not reach through a worker. */
      readonly admin: { readonly host: string; readonly port: number } | undefined
    }
  | { readonly kind: 'snapshot'; readonly id: number }
  | { readonly kind: 'close-tunnel'; readonly id: number }
  | { readonly kind: 'drain'; readonly inboundOnly: boolean; readonly skipExit: boolean }
  | { readonly kind: 'health'; readonly failing: boolean }
  | { readonly kind: 'reopen-logs' }
  | { readonly kind: 'log-level'; readonly level: LogLevel; readonly component: string | undefined }
  | { readonly kind: 'stop'; readonly drainSeconds: number }

export interface WorkerListener {
  readonly name: string
  readonly addresses: readonly { readonly ip: string; readonly port: number; readonly text: string }[]
}

export interface WorkerStat {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  readonly extracted: string
  readonly tags: readonly StatTag[]
  readonly value: number
  /** Histograms only. */
  readonly buckets?: readonly number[]
  readonly sum?: number
}

/** A TunnelEntry as it stood when the snapshot was taken. */
export interface WorkerTunnel {
  readonly id: number
  readonly type: string
  readonly openedWallMs: number
  /** Milliseconds since it was opened. */
  readonly ageMs: number
  readonly idleMs: number
  readonly client: string
  readonly listener: string
  readonly method: string
  readonly authority: string
  readonly path: string
  readonly route: string
  readonly routePlace:
    { readonly file: string; readonly line: number; readonly column: number; readonly path: string } | undefined
  readonly cluster: string
  readonly endpoint: string
  readonly downstreamProtocol: string
  readonly upstreamProtocol: string
  readonly hopNote: string
  readonly requestId: string
  readonly fromClient: { readonly bytes: number; readonly messages: number | undefined }
  readonly fromUpstream: { readonly bytes: number; readonly messages: number | undefined }
  readonly queued: { readonly toClient: number; readonly toUpstream: number }
}

export interface WorkerSnapshot {
  readonly kind: 'snapshot'
  readonly id: number
  readonly stats: readonly WorkerStat[]
  readonly tunnels: readonly WorkerTunnel[]
  readonly opened: number
  readonly clusters: readonly { readonly name: string; readonly hosts: readonly HostStatus[] }[]
}

export type FromWorker =
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready'; readonly listeners: readonly WorkerListener[]; readonly warnings: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string }
  | WorkerSnapshot
