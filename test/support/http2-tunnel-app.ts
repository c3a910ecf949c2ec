// An HTTP/2 application for tunnels of any type on node:http2: it accepts every extended CONNECT and keeps what came.

import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { until } from './waiting.ts'

export interface Http2AppTunnel {
  readonly headers: IncomingHttpHeaders
  readonly stream: ServerHttp2Stream
  received(): Buffer
  /** The client's direction has ended (END_STREAM). */
  readonly ended: boolean
}

export interface Http2TunnelApp {
  readonly port: number
  readonly tunnels: readonly Http2AppTunnel[]
  tunnel(path: string): Promise<Http2AppTunnel>
  stop(): Promise<void>
}

/** `answer`: the status of every tunnel; `later` leaves it to the test. */
export async function startHttp2TunnelApp(answer: number | 'later' = 200): Promise<Http2TunnelApp> {
  const tunnels: Http2AppTunnel[] = []
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer({ settings: { enableConnectProtocol: true } })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined)
    tunnels.push(keep(stream, headers))
    if (answer !== 'later') stream.respond({ ':status': answer })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    tunnels,
    tunnel: (path) =>
      until(() => tunnels.findLast(({ headers }) => headers[':path'] === path), {
        what: `a request for ${path} at the app`,
        ms: 5000,
      }),
    async stop() {
      for (const session of sessions) session.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function keep(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Http2AppTunnel {
  const chunks: Buffer[] = []
  const tunnel = { headers, stream, received: () => Buffer.concat(chunks), ended: false }
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => (tunnel.ended = true))
  return tunnel
}
