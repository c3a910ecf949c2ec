// TLS around a stream that was accepted or dialled: handshake with a deadline, certificate choice and judgement, session
// resumption; the outcome is a byte stream with its TLS facts. The stream below is given away and dead afterwards.

import { appendFile } from 'node:fs'
import type { Duplex } from 'node:stream'
import { type SecureContext, type Server, type TLSSocket, connect, createServer } from 'node:tls'
import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import { type Dial, type DialSink, type DialTcpOptions, dialTcp } from './dial.ts'
import type { ReplayableStream } from './replay.ts'
import { SocketStream } from './socket-stream.ts'
import { duplexOver } from './stream-duplex.ts'
import { contextOptions, secureContext, CertificatePicker } from './tls-context.ts'
import { type HandshakeSink, Handshake } from './tls-handshake.ts'
import type { TlsClientOptions, TlsServerOptions } from './tls-options.ts'
import { SessionCache } from './tls-sessions.ts'

export type { HandshakeSink } from './tls-handshake.ts'
export type { TlsClientOptions, TlsServerOptions } from './tls-options.ts'

/** How long a handshake may take; `clock` measures it. */
export interface HandshakeLimits {
  readonly clock: Clock
  /** Milliseconds; 0 = for ever. */
  readonly timeoutMs: number
}

/** Turns accepted streams into TLS streams. One per filter chain. */
export class TlsServer {
  readonly #server: Server
  readonly #options: TlsServerOptions
  readonly #underway = new Map<unknown, Handshake>()

  /** Throws, with OpenSSL's sentence, on certificates or keys that cannot be used. */
  constructor(options: TlsServerOptions) {
    this.#options = options
    const picker = new CertificatePicker(options)
    this.#server = createServer({
      ...contextOptions(options, options.certificates),
      ...resumption(options),
      // The judgement is ours (tls-verify.ts), so that the refusal has a reason.
      requestCert: options.requireClientCertificate || options.validation !== undefined,
      rejectUnauthorized: false,
      SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) =>
        done(null, picker.pick(name)),
      ...(options.alpn.length === 0
        ? {}
        : { ALPNCallback: (offer: { protocols: string[] }) => chooseAlpn(options.alpn, offer.protocols) }),
      // The deadline is the Handshake's; the runtime's own only must not come before it.
      handshakeTimeout: 2 ** 30,
    })
    if (ticketKeys(options) !== undefined) this.#server.setTicketKeys(ticketKeys(options) ?? Buffer.alloc(0))
    this.#server.on('secureConnection', (socket) => this.#find(socket)?.succeed(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#find(socket)?.fail(error.message))
    if (options.keyLogPath !== undefined) this.#server.on('keylog', keyLogger(options.keyLogPath))
  }

  /** Begins a handshake on `stream`, including bytes that were put back on it. `stream` must have no sink. */
  accept(stream: ReplayableStream, limits: HandshakeLimits, sink: HandshakeSink): Dial {
    const { info } = stream
    if (stream.closed !== undefined) return refuse(stream.closed, sink)
    const socket = carrier(stream)
    const required = this.#options.requireClientCertificate
    const handshake = new Handshake({ peer: 'client', info, socket, options: this.#options, required, limits, sink })
    this.#underway.set(socket, handshake)
    handshake.onOver = () => this.#underway.delete(socket)
    this.#server.emit('connection', socket)
    return handshake
  }

  /** The runtime tells of a session by the TLS socket alone; the one below it is the key, or the stream it was wrapped for. */
  #find(socket: TLSSocket): Handshake | undefined {
    const found = this.#underway.get(Reflect.get(socket, '_parent'))
    if (found !== undefined) return found
    const wrapped: unknown = Object(Reflect.get(socket, 'ssl'))['_parentWrap']
    return this.#underway.get(Object(wrapped)['stream'])
  }
}

/** Turns dialled streams into TLS streams and remembers sessions. One per cluster. */
export class TlsClient {
  readonly #options: TlsClientOptions
  readonly #context: SecureContext
  readonly #sessions: SessionCache

  /** Throws, with OpenSSL's sentence, on certificates or keys that cannot be used. */
  constructor(options: TlsClientOptions) {
    this.#options = options
    this.#context = secureContext(options, options.certificates)
    this.#sessions = new SessionCache(options.maxSessionKeys)
  }

  /**
   * Begins a handshake on `stream`. `serverName` is sent as SNI unless ''; an IP address is never sent (RFC 6066 §3).
   * `alpn` replaces the configured list.
   */
  connect(
    stream: ReplayableStream,
    serverName: string,
    limits: HandshakeLimits,
    sink: HandshakeSink,
    alpn = this.#options.alpn,
  ): Dial {
    const { info } = stream
    if (stream.closed !== undefined) return refuse(stream.closed, sink)
    const socket = carrier(stream)
    const key = `${info.remote.text} ${serverName} ${alpn.join()}`
    const session = this.#sessions.take(key)
    const handshake = new Handshake({
      peer: 'upstream',
      info,
      socket,
      options: this.#options,
      required: true,
      limits,
      sink,
      remembered: session?.peer,
    })
    const secure = connect({
      socket,
      secureContext: this.#context,
      // Judged by tls-verify.ts before anything is sent.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ALPNProtocols: [...alpn],
      ...(serverName === '' || isAddress(serverName) ? {} : { servername: serverName }),
      ...(session === undefined ? {} : { session: session.ticket }),
    })
    secure.on('secureConnect', () => handshake.succeed(secure))
    secure.on('session', (ticket) => {
      if (handshake.accepted !== undefined) this.#sessions.put(key, { ticket, peer: handshake.accepted })
    })
    secure.on('error', (error) => handshake.fail(error.message))
    secure.on('close', () => handshake.fail('the upstream closed the connection during the handshake'))
    if (this.#options.keyLogPath !== undefined) secure.on('keylog', keyLogger(this.#options.keyLogPath))
    return handshake
  }
}

/** Dials and shakes hands; `connectTimeoutMs` bounds both together, as in Envoy. */
export function dialTls(
  options: DialTcpOptions,
  client: TlsClient,
  serverName: string,
  sink: DialSink,
  alpn?: readonly string[],
): Dial {
  const startMs = options.clock.now()
  let current: Dial = dialTcp(options, {
    onConnect(stream) {
      const leftMs =
        options.connectTimeoutMs === 0 ? 0 : Math.max(1, options.connectTimeoutMs - (options.clock.now() - startMs))
      const outcome: HandshakeSink = {
        onSecure: (secure) => sink.onConnect(secure),
        onHandshakeError: (cause) => sink.onConnectError(cause),
      }
      current = client.connect(stream, serverName, { clock: options.clock, timeoutMs: leftMs }, outcome, alpn)
    },
    onConnectError: (cause) => sink.onConnectError(cause),
  })
  return { cancel: () => current.cancel() }
}

/** What TLS reads and writes: the stream's own socket if it is nothing but that, or a stream on top. */
function carrier(stream: ReplayableStream): Duplex {
  stream.flush()
  const detached = stream instanceof SocketStream ? stream.detach() : undefined
  if (detached === undefined) return duplexOver(stream)
  const { socket, bytes } = detached
  // TLS takes what its socket has read already before it reads on.
  if (bytes !== undefined && bytes.length > 0) socket.unshift(bytes)
  return socket
}

/** The connection was gone before the handshake could begin. */
function refuse(cause: CloseCause, sink: HandshakeSink): Dial {
  let cancelled = false
  process.nextTick(() => {
    if (!cancelled) sink.onHandshakeError(cause)
  })
  return { cancel: () => (cancelled = true) }
}

/**
 * The first of ours that the client offers. Without one the handshake fails with no_application_protocol (RFC 7301 §3.2).
 * Deviation: Envoy goes on without ALPN; the runtime has no way to.
 */
function chooseAlpn(ours: readonly string[], theirs: readonly string[]): string | undefined {
  return ours.find((protocol) => theirs.includes(protocol))
}

const isAddress = (name: string): boolean => name.includes(':') || /^[\d.]+$/.test(name)

const keyLogger =
  (path: string) =>
  (line: Buffer): void =>
    appendFile(path, line, () => undefined)

function resumption(options: TlsServerOptions): { secureOptions?: number; sessionTimeout?: number } {
  const timeout = options.sessionTimeout === undefined ? {} : { sessionTimeout: options.sessionTimeout }
  return options.statelessResumption ? timeout : { ...timeout, secureOptions: SSL_OP_NO_TICKET }
}

/** OpenSSL's SSL_OP_NO_TICKET. */
const SSL_OP_NO_TICKET = 0x4000

/** The runtime wants 48 bytes: name, HMAC key, AES key, 16 each; Envoy's 80 are 16, 32 and 32. */
function ticketKeys(options: TlsServerOptions): Buffer | undefined {
  const key = options.sessionTicketKeys[0]
  if (key === undefined || key.length < 80) return undefined
  return Buffer.concat([key.subarray(0, 16), key.subarray(16, 32), key.subarray(48, 64)])
}
