// Reads the first bytes of a connection, as tls_inspector does, before its filter chain is chosen.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { Listener } from '../config/model/listener.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import { sniff, type SniffedFacts, type SniffSink } from '../transport/sniff.ts'

export type Inspected =
  | {
      readonly kind: 'known'
      readonly serverName: string
      readonly alpn: readonly string[]
      readonly transportProtocol: 'raw_buffer' | 'tls'
    }
  | { readonly kind: 'failed'; readonly cause: CloseCause }
  | { readonly kind: 'gone'; readonly cause: CloseCause }

const NOTHING_KNOWN: Inspected = { kind: 'known', serverName: '', alpn: [], transportProtocol: 'raw_buffer' }

/** Calls `done` once. Without TLS criteria that is at once. */
export function inspect(
  stream: ReplayableStream,
  listener: Listener,
  clock: Clock,
  done: (result: Inspected) => void,
): void {
  if (!listener.inspectTls) {
    done(NOTHING_KNOWN)
    return
  }
  sniff(
    stream,
    { clock, timeoutMs: listener.listenerFiltersTimeoutMs ?? 0, tls: true, http2: false },
    new Inspection(stream, listener, done),
  )
}

class Inspection implements SniffSink {
  readonly #stream: ReplayableStream
  readonly #listener: Listener
  readonly #done: (result: Inspected) => void

  constructor(stream: ReplayableStream, listener: Listener, done: (result: Inspected) => void) {
    this.#stream = stream
    this.#listener = listener
    this.#done = done
  }

  onSniffed(facts: SniffedFacts): void {
    if (facts.kind === 'plain') this.#done(NOTHING_KNOWN)
    else this.#done({ kind: 'known', serverName: facts.serverName, alpn: facts.alpn, transportProtocol: 'tls' })
  }

  onSniffFailed(cause: CloseCause): void {
    if (this.#stream.closed !== undefined) this.#done({ kind: 'gone', cause })
    // What cannot be read as TLS is not TLS, as for Envoy's tls_inspector.
    else if (cause.code === 'tls_handshake_failed' || this.#listener.continueOnListenerFiltersTimeout)
      this.#done(NOTHING_KNOWN)
    else this.#done({ kind: 'failed', cause })
  }
}
