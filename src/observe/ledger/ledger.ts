// The ledger knows every open tunnel: how it opened, where it goes, what moved, and in the end who closed it and why.
// The connection manager opens and closes entries; /connections, the demo and tests read snapshots.

import type { CloseCause } from '../../core/close-cause.ts'
import { DenseSet, type DenseItem } from '../../core/dense-set.ts'
import type { Place } from '../../config/model/place.ts'

/** Counters of one direction; the live objects of the tunnel, read when a snapshot is taken. */
export interface DirectionCounts {
  readonly bytes: number
  /** WebSocket messages; undefined for other tunnels. */
  readonly messages: number | undefined
}

/** One open tunnel. Live getters, so that nothing is copied while bytes flow. */
export interface TunnelEntry extends DenseItem {
  readonly id: number
  /** `websocket`, another upgrade type, or `CONNECT`. */
  readonly type: string
  readonly openedWallMs: number
  readonly openedMs: number
  readonly client: string
  readonly listener: string
  readonly method: string
  readonly authority: string
  /** Path without query: queries carry secrets. */
  readonly path: string
  readonly route: string
  readonly routePlace: Place | undefined
  readonly cluster: string
  readonly endpoint: string
  readonly downstreamProtocol: string
  readonly upstreamProtocol: string
  /** Why this hop was chosen, when there was a choice; ''. */
  readonly hopNote: string
  readonly requestId: string
  fromClient(): DirectionCounts
  fromUpstream(): DirectionCounts
  /** Monotonic milliseconds. */
  lastActivityMs(): number
  queuedBytes(): { readonly toClient: number; readonly toUpstream: number }
  /** Ends it: an operator's or a drain's wish. */
  close(cause: CloseCause): void
}

/** What is kept of a tunnel when it ended. */
export interface TunnelEnd {
  readonly cause: CloseCause
  readonly durationMs: number
  readonly closeCode: number | undefined
  readonly closeReason: string
  /** Who sent the first WebSocket Close frame; undefined when nobody did. */
  readonly closeFrameBy: 'client' | 'upstream' | undefined
}

/** The end of a tunnel that carried no WebSocket frames. */
export const endWithoutFrames = (cause: CloseCause, durationMs: number): TunnelEnd => ({
  cause,
  durationMs,
  closeCode: undefined,
  closeReason: '',
  closeFrameBy: undefined,
})

/**
 * A session of a client that hears no reason (plain TCP, UDP) and found no upstream. Nothing was opened: this is told once, and
 * not kept.
 */
export interface FailedSession {
  readonly id: number
  /** `TCP`, `CONNECT`, `POST`, `UDP`. */
  readonly type: string
  readonly wallMs: number
  readonly client: string
  readonly listener: string
  /** What a tunnel was asked for; ''. */
  readonly authority: string
  readonly cluster: string
  readonly place: Place
  readonly cause: CloseCause
}

export interface LedgerListener {
  onOpen(entry: TunnelEntry): void
  onClose(entry: TunnelEntry, end: TunnelEnd): void
  onFailure?(session: FailedSession): void
}

/** What admin pages read of a ledger, of this process or of all workers. */
export interface TunnelBook {
  readonly size: number
  readonly opened: number
  entries(): IterableIterator<TunnelEntry>
  get(id: number): TunnelEntry | undefined
}

export class Ledger implements TunnelBook {
  readonly #open = new DenseSet<TunnelEntry>()
  readonly #listeners = new Set<LedgerListener>()
  #opened = 0

  /** Number of open tunnels. */
  get size(): number {
    return this.#open.size
  }

  /** Tunnels opened since the start. */
  get opened(): number {
    return this.#opened
  }

  open(entry: TunnelEntry): void {
    this.#open.add(entry)
    this.#opened++
    for (const listener of this.#listeners) listener.onOpen(entry)
  }

  close(entry: TunnelEntry, end: TunnelEnd): void {
    if (!this.#open.delete(entry)) return
    for (const listener of this.#listeners) listener.onClose(entry, end)
  }

  /** Tells of a session that came to nothing. */
  fail(session: FailedSession): void {
    for (const listener of this.#listeners) listener.onFailure?.(session)
  }

  get(id: number): TunnelEntry | undefined {
    for (const entry of this.#open) if (entry.id === id) return entry
    return undefined
  }

  entries(): IterableIterator<TunnelEntry> {
    return this.#open.snapshot().values()
  }

  /** Tells `listener` of every opening and end until the returned function is called. */
  listen(listener: LedgerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
