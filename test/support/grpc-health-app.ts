// A gRPC health server on node:http2: grpc.health.v1.Health/Check as bytes, written by hand and apart from the code under
// test.

import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { listeningPort } from './listening-port.ts'

/** Numbers of HealthCheckResponse.ServingStatus; undefined = the service is unknown (gRPC status 5). */
export type Serving = 0 | 1 | 2 | 3 | undefined

export interface GrpcHealthApp {
  readonly port: number
  /** By service. */
  readonly services: Map<string, Serving>
  /** Services that were asked for, with the metadata. */
  readonly checks: { readonly service: string; readonly headers: Readonly<Record<string, unknown>> }[]
  readonly sessions: number
  stop(): Promise<void>
}

export async function startGrpcHealthApp(): Promise<GrpcHealthApp> {
  const server = createServer()
  const open = new Set<ServerHttp2Session>()
  const services = new Map<string, Serving>([['', 1]])
  const checks: { service: string; headers: Record<string, unknown> }[] = []
  let sessions = 0
  server.on('session', (session) => {
    sessions++
    open.add(session)
    session.on('close', () => open.delete(session))
    session.on('error', () => undefined)
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const pieces: Buffer[] = []
    stream.on('error', () => undefined)
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', () => {
      const service = Buffer.concat(pieces).subarray(7).toString()
      checks.push({ service, headers })
      const serving = headers[':path'] === '/grpc.health.v1.Health/Check' ? services.get(service) : undefined
      if (serving === undefined) {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true })
        return
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(serving === 0 ? Buffer.from([0, 0, 0, 0, 0]) : Buffer.from([0, 0, 0, 0, 2, 8, serving]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = listeningPort(server)
  return {
    port,
    services,
    checks,
    get sessions() {
      return sessions
    },
    async stop() {
      for (const session of open) session.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
