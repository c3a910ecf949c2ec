// One TLS handshake under way: its deadline, its one outcome, and the facts of the session.

import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type CloseCause, closeCause } from '../core/close-cause.ts'
import type { Clock, Timer } from '../core/clock.ts'
import type { StreamInfo, TlsInfo } from './byte-stream.ts'
import type { Dial } from './dial.ts'
import { containFault } from './fault.ts'
import type { ReplayableStream } from './replay.ts'
import type { PeerSide } from './socket-cause.ts'
import { SocketStream } from './socket-stream.ts'
import { StreamDuplex } from './stream-duplex.ts'
import type { TlsClientOptions, TlsServerOptions } from './tls-options.ts'
import { type AcceptedPeer, judgePeer } from './tls-verify.ts'
import { tlsWire } from './tls-wire.ts'

/** Receives the outcome, exactly one unless cancelled. Methods are called on the sink. */
export interface HandshakeSink {
  onSecure(stream: ReplayableStream): void
  /** The connection is closed already. */
  onHandshakeError(cause: CloseCause): void
}

export interface HandshakeParts {
  readonly peer: PeerSide
  /** Addresses of the connection below. */
  readonly info: StreamInfo
  readonly socket: Duplex
  readonly options: TlsClientOptions | TlsServerOptions
  /** A peer without a certificate is refused. */
  readonly required: boolean
  readonly limits: { readonly clock: Clock; readonly timeoutMs: number }
  readonly sink: HandshakeSink
  /** Of the session that is offered for resumption. */
  readonly remembered?: AcceptedPeer | undefined
}

export class Handshake implements Dial {
  /** Called when it is over, however. */
  onOver: () => void = () => undefined
  readonly #parts: HandshakeParts
  readonly #timer: Timer | undefined
  /** What can reset the connection below: its handle, taken while the socket still has it, or the adapter. */
  readonly #raw: unknown
  #over = false
  /** The peer was judged and accepted. */
  accepted: AcceptedPeer | undefined
  #cancelled = false

  constructor(parts: HandshakeParts) {
    const { clock, timeoutMs } = parts.limits
    this.#parts = parts
    const adapted = parts.socket instanceof StreamDuplex
    this.#raw = adapted ? parts.socket : Reflect.get(parts.socket, '_handle')
    // A peer that leaves in mid-handshake is gone; afterwards each direction ends by itself.
    if (!adapted) parts.socket.allowHalfOpen = false
    if (timeoutMs > 0) this.#timer = clock.after(timeoutMs, () => this.fail(`not complete within ${timeoutMs} ms`))
    parts.socket.on('error', (error) => this.fail(error.message))
    parts.socket.on('close', () => this.fail(`the ${parts.peer} closed the connection`))
  }

  cancel(): void {
    this.#cancelled = true
    if (this.#end()) this.#parts.socket.destroy()
  }

  // The runtime calls from within OpenSSL, where destroying the session would pull the floor from under it. So outcomes
  // are told, and things destroyed, in a later turn; what is decrypted until then waits in the stream.

  succeed(secure: TLSSocket): void {
    const { peer, info, options, required, sink, remembered } = this.#parts
    if (this.#over) return
    const judgement = judgePeer(
      secure,
      options,
      required && (peer === 'client' || options.validation !== undefined),
      remembered,
    )
    if (judgement.refused !== undefined) return this.fail(judgement.refused, secure)
    this.#end()
    secure.allowHalfOpen = true
    const certificate =
      secure.getPeerX509Certificate()?.raw ?? (secure.isSessionReused() ? remembered?.certificate : undefined)
    this.accepted = { verified: judgement.verified, certificate }
    const stream = new SocketStream(tlsWire(secure, info, this.#raw), peer, tlsInfo(secure, this.accepted))
    if (info.state !== undefined) stream.amend({ state: info.state })
    takeDecrypted(secure, stream)
    setImmediate(() => {
      if (this.#cancelled) return stream.reset(closeCause('proxy', 'tls', 'finished', 'the dial was given up'))
      try {
        sink.onSecure(stream)
      } catch (error) {
        stream.reset(containFault(error))
      }
    })
  }

  /** `reason` is OpenSSL's or ours. */
  fail(reason: string, secure?: TLSSocket): void {
    const { peer, socket, sink } = this.#parts
    if (!this.#end()) return
    const code = peer === 'client' ? 'tls_handshake_failed' : 'upstream_tls_failure'
    const cause = closeCause(peer, 'tls', code, `TLS handshake: ${readable(reason)}`)
    setImmediate(() => {
      if (secure === undefined) socket.destroy()
      else secure.destroy()
      if (!this.#cancelled) sink.onHandshakeError(cause)
    })
  }

  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#timer?.cancel()
    this.onOver()
    return true
  }
}

/** OpenSSL's `80A1…:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../deps/…` in few words. */
function readable(reason: string): string {
  const parts = reason.split(':')
  return parts.length > 5 && parts[1] === 'error' ? (parts[5] ?? reason) : reason
}

/** What was decrypted together with the end of the handshake. */
function takeDecrypted(secure: TLSSocket, stream: SocketStream): void {
  if (secure.readableLength === 0) return
  const bytes: unknown = secure.read()
  if (!(bytes instanceof Buffer)) return
  stream.bytesRead += bytes.length
  stream.unread(bytes)
}

function tlsInfo(secure: TLSSocket, { verified, certificate: peerCertificate }: AcceptedPeer): TlsInfo {
  const name: unknown = Reflect.get(secure, 'servername')
  const localCertificate = secure.getX509Certificate()?.raw
  return {
    version: secure.getProtocol() ?? '',
    cipher: secure.getCipher().name,
    serverName: typeof name === 'string' ? name.toLowerCase() : '',
    alpn: typeof secure.alpnProtocol === 'string' ? secure.alpnProtocol : '',
    sessionId: '',
    sessionReused: secure.isSessionReused(),
    ...(peerCertificate === undefined ? {} : { peerCertificate }),
    ...(localCertificate === undefined ? {} : { localCertificate }),
    peerVerified: verified,
  }
}
