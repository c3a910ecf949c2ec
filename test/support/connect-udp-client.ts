// A CONNECT-UDP client on node:http2, independent of the project's codecs (RFC 9298 §3.4).

import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from 'node:http2'
import { datagram, takeDatagrams } from './capsules.ts'
import { nextEvent, until } from './waiting.ts'

export interface ConnectUdpStream {
  readonly stream: ClientHttp2Stream
  /** The answer's head. */
  readonly headers: IncomingHttpHeaders
  /** UDP payloads that have come. */
  readonly received: readonly Buffer[]
  /** The body of an answer that is no tunnel, or capsules. */
  bytes(): Buffer
  /** The server's direction has ended. */
  readonly ended: boolean
  /** RST_STREAM code once the stream is closed. */
  readonly resetCode: number | undefined
  send(payload: Buffer | string): void
  has(count: number): Promise<readonly Buffer[]>
}

export interface ConnectUdpClient {
  readonly session: ClientHttp2Session
  open(path: string, more?: { readonly endStream?: boolean; readonly authority?: string }): Promise<ConnectUdpStream>
  stop(): Promise<void>
}

/** Connects by HTTP/2 in the clear. */
export async function connectUdpClient(port: number): Promise<ConnectUdpClient> {
  const session = connect(`http://127.0.0.1:${port}`)
  await nextEvent(session, 'remoteSettings')
  return {
    session,
    open: (path, more) => open(session, path, more),
    stop: () =>
      new Promise((resolve) => {
        session.once('close', resolve)
        session.destroy()
      }),
  }
}

async function open(
  session: ClientHttp2Session,
  path: string,
  { endStream = false, authority = 'proxy.example' } = {},
): Promise<ConnectUdpStream> {
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'connect-udp',
      ':scheme': 'http',
      ':authority': authority,
      ':path': path,
      'capsule-protocol': '?1',
    },
    { endStream },
  )
  const chunks: Buffer[] = []
  const received: Buffer[] = []
  let rest = Buffer.alloc(0)
  let ended = false
  let resetCode: number | undefined
  stream.on('error', () => undefined)
  stream.on('close', () => (resetCode = stream.rstCode))
  stream.on('end', () => (ended = true))
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    const taken = takeDatagrams(Buffer.concat([rest, chunk]))
    received.push(...taken.payloads)
    rest = Buffer.from(taken.rest)
  })
  const headers = await nextEvent<IncomingHttpHeaders>(stream, 'response')
  return {
    stream,
    headers,
    received,
    bytes: () => Buffer.concat(chunks),
    get ended() {
      return ended
    },
    get resetCode() {
      return resetCode
    },
    send: (payload) => stream.write(datagram(Buffer.from(payload))),
    has: (count) =>
      until(() => (received.length >= count ? received : undefined), {
        what: `${count} datagrams on the stream`,
        ms: 5000,
        detail: () => `${received.length} came`,
      }),
  }
}
