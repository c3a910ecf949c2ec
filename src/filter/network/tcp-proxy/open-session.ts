// A session whose upstream stands: joins client and upstream with the bridge, and keeps the ledger entry.

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import { placeHint } from '../../../config/model/place.ts'
import type { CloseType, StreamFacts } from '../../../format/stream-facts.ts'
import { endWithoutFrames, type TunnelEntry } from '../../../observe/ledger/ledger.ts'
import type { ByteStream } from '../../../transport/byte-stream.ts'
import { bridge, type Tunnel, type TunnelSummary } from '../../../tunnel/bridge.ts'
import type { TunnelObserver } from '../../../tunnel/direction.ts'
import type { UpstreamSide } from '../../../upstream/attempt.ts'
import type { TcpProxyRuntime } from './runtime.ts'

export interface OpenSessionParts {
  readonly runtime: TcpProxyRuntime
  readonly facts: StreamFacts
  readonly client: ByteStream
  readonly side: UpstreamSide
  /** The tunnel's request method and target; '' for a TCP connection. */
  readonly method: string
  readonly authority: string
  readonly idleMs: number | undefined
  /** Called once, in a later turn, when both streams are gone. */
  readonly onEnd: (cause: CloseCause) => void
}

export class OpenSession {
  readonly #parts: OpenSessionParts
  readonly #entry: TunnelEntry
  readonly #tunnel: Tunnel
  readonly #openedMs: number
  readonly #forgetHealth: (() => void) | undefined
  #draining: CloseCause | undefined

  constructor(parts: OpenSessionParts) {
    const { runtime, client, side } = parts
    this.#parts = parts
    this.#openedMs = runtime.clock.now()
    this.#entry = this.#ledgerEntry()
    runtime.ledger.open(this.#entry)
    client.setHighWater(runtime.bufferLimitBytes)
    this.#tunnel = bridge(client, side.stream, {
      wheel: runtime.wheel,
      clock: runtime.clock,
      idleMs: parts.idleMs,
      idleCause: idleCause(runtime, parts.idleMs),
      observeDownstream: this.#observer(runtime.stats.countReceived),
      observeUpstream: this.#observer(runtime.stats.countSent),
      onEnd: (summary) => this.#ended(summary),
    })
    this.#forgetHealth = side.endWithHealth?.((cause) => this.#tunnel.close(cause))
  }

  countInto(facts: StreamFacts): void {
    facts.bytesReceived = this.#tunnel.bytesFromDownstream
    facts.bytesSent = this.#tunnel.bytesFromUpstream
  }

  close(cause: CloseCause): void {
    this.#tunnel.close(cause)
  }

  /** A session goes on while the server drains, unless the configuration says check_drain_close. */
  drain(cause: CloseCause): void {
    this.#draining = cause
  }

  /** Counts, and closes behind the bytes it sees when the session shall not survive a drain. */
  #observer(count: TunnelObserver): TunnelObserver {
    const { runtime } = this.#parts
    if (!runtime.config.checkDrainClose) return count
    return (buffer, start, end) => {
      count(buffer, start, end)
      if (this.#draining === undefined && !runtime.drain.active) return
      // After the write of these bytes, which follows this call.
      queueMicrotask(() => this.#tunnel.close(this.#draining ?? DRAINED))
    }
  }

  #ended({ cause, bytesFromDownstream, bytesFromUpstream }: TunnelSummary): void {
    const { runtime, facts, client, side, onEnd } = this.#parts
    const { stats } = runtime
    this.#forgetHealth?.()
    facts.bytesReceived = bytesFromDownstream
    facts.bytesSent = bytesFromUpstream
    facts.downstreamCloseType = closeType(client.closed, 'client')
    facts.upstreamCloseType = closeType(side.stream.closed, 'upstream')
    stats.flowPaused.value += this.#tunnel.downstreamPauses
    stats.flowResumed.value += this.#tunnel.downstreamPauses
    side.release(side.stream.closed ?? cause)
    const durationMs = runtime.clock.now() - this.#openedMs
    runtime.ledger.close(this.#entry, endWithoutFrames(cause, durationMs))
    onEnd(cause)
  }

  #ledgerEntry(): TunnelEntry {
    const { runtime, facts, side, method, authority } = this.#parts
    return {
      denseIndex: -1,
      id: facts.streamId,
      type: method === '' ? 'TCP' : method,
      openedWallMs: runtime.clock.wallNow(),
      openedMs: this.#openedMs,
      client: facts.downstream.remote.text || 'pipe',
      listener: facts.listenerName,
      method,
      authority,
      path: '',
      route: '',
      routePlace: runtime.config.place,
      cluster: facts.clusterName,
      endpoint: side.info.remote.text,
      downstreamProtocol: 'TCP',
      upstreamProtocol: side.protocol === '' ? 'TCP' : side.protocol,
      hopNote: side.hopNote,
      requestId: '',
      fromClient: () => ({ bytes: this.#tunnel.bytesFromDownstream, messages: undefined }),
      fromUpstream: () => ({ bytes: this.#tunnel.bytesFromUpstream, messages: undefined }),
      lastActivityMs: () => this.#tunnel.lastActivityMs,
      queuedBytes: () => this.#tunnel.queuedBytes(),
      close: (cause) => this.close(cause),
    }
  }
}

/** The cause of a session on which nothing moved. */
export function idleCause({ config }: TcpProxyRuntime, idleMs: number | undefined): CloseCause {
  const detail = `nothing moved for ${idleMs ?? 0} ms, the idle_timeout of ${placeHint(config.place)}`
  return closeCause('proxy', 'tunnel', 'tcp_session_idle_timeout', detail)
}

const DRAINED = closeCause('operator', 'server', 'drained', 'check_drain_close')

/** How a side went away: by itself in order, by its own reset, or reset from here because the other side was. */
function closeType(cause: CloseCause | undefined, side: 'client' | 'upstream'): CloseType {
  if (cause === undefined || cause.code === 'finished' || cause.code === 'end_of_stream') return 'Normal'
  if (cause.by === side) return 'RemoteReset'
  return cause.by === 'client' || cause.by === 'upstream' ? 'LocalReset' : 'Normal'
}
