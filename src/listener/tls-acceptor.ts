// TLS of a filter chain: the configuration's model made into a server context, with the names of client certificates judged.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { DownstreamTls } from '../config/model/tls.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import { TlsServer } from '../transport/tls.ts'
import { subjectJudge } from '../upstream/subject-alt-names.ts'

/** Gets exactly one of the two calls. */
export interface SecureSink {
  onSecure(stream: ReplayableStream): void
  onFailure(cause: CloseCause): void
}

export interface TlsAcceptor {
  accept(stream: ReplayableStream, sink: SecureSink): void
}

/** Envoy waits for ever unless told; a client that never finishes its handshake costs a socket, so a minute bounds it. */
const HANDSHAKE_LIMIT_MS = 60_000

export function tlsAcceptor(tls: DownstreamTls, timeoutMs: number | undefined, clock: Clock): TlsAcceptor {
  const verifySubject = subjectJudge(tls.validation)
  const server = new TlsServer({ ...tls, ...(verifySubject === undefined ? {} : { verifySubject }) })
  const limits = { clock, timeoutMs: timeoutMs ?? HANDSHAKE_LIMIT_MS }
  return {
    accept(stream, sink) {
      server.accept(stream, limits, {
        onSecure: (secure) => sink.onSecure(secure),
        onHandshakeError: (cause) => sink.onFailure(cause),
      })
    },
  }
}
