// Reads server name and ALPN from a ClientHello without ending TLS. Envoy: tls_inspector.

import type { CloseCause } from '../../core/close-cause.ts'
import type { Clock } from '../../core/clock.ts'
import type { ReplayableStream } from '../../transport/replay.ts'
import { sniff, type SniffedFacts, type SniffSink } from '../../transport/sniff.ts'
import type { GreetingFacts, ListenerFilterOutcome, ListenerFilterRuntime } from '../listener-filter.ts'

export const tlsInspector: ListenerFilterRuntime = {
  run(stream, facts, limits: { readonly clock: Clock; readonly timeoutMs: number }, done) {
    sniff(stream, { ...limits, tls: true, http2: false }, new Inspection(stream, facts, done))
  },
}

class Inspection implements SniffSink {
  readonly #stream: ReplayableStream
  readonly #facts: GreetingFacts
  readonly #done: (outcome: ListenerFilterOutcome) => void

  constructor(stream: ReplayableStream, facts: GreetingFacts, done: (outcome: ListenerFilterOutcome) => void) {
    this.#stream = stream
    this.#facts = facts
    this.#done = done
  }

  onSniffed(sniffed: SniffedFacts): void {
    if (sniffed.kind === 'tls') {
      this.#facts.serverName = sniffed.serverName
      this.#facts.alpn = sniffed.alpn
      this.#facts.transportProtocol = 'tls'
    }
    this.#done({ kind: 'passed' })
  }

  onSniffFailed(cause: CloseCause): void {
    if (this.#stream.closed !== undefined) this.#done({ kind: 'gone', cause })
    // What cannot be read as TLS is not TLS, as for Envoy's tls_inspector.
    else if (cause.code === 'tls_handshake_failed') this.#done({ kind: 'passed' })
    else this.#done({ kind: 'refused', cause, timeout: true })
  }
}
