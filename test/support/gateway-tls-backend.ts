// Backends that speak TLS, or nothing but bytes, for Gateway API tests: they tell the server name and the client certificate
// that they saw. node:https, node:net and the `ws` package.

import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import type { Authority, Leaf } from './certificates.ts'

export interface TlsEcho {
  readonly pod: string
  readonly path: string
  readonly sni: string
  /** Common name of the client's certificate; '' without one. */
  readonly client: string
}

export interface Backend {
  readonly port: number
  /** Connections so far. */
  readonly connections: number
  stop(): Promise<void>
}

/** HTTPS and WSS. With `clients` every client needs a certificate of that authority. */
export async function startTlsEcho(pod: string, leaf: Leaf, clients?: Authority): Promise<Backend> {
  const server = createHttpsServer({
    cert: leaf.certificate,
    key: leaf.key,
    ...(clients === undefined ? {} : { ca: clients.certificate, requestCert: true, rejectUnauthorized: true }),
  })
  server.on('request', (request, response) => {
    const { socket } = request
    const echo: TlsEcho = {
      pod,
      path: request.url ?? '',
      sni: socket instanceof TLSSocket && typeof socket.servername === 'string' ? socket.servername : '',
      client: clientName(socket),
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(echo))
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  return running(server, () => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
  })
}

function clientName(socket: Socket): string {
  const subject = socket instanceof TLSSocket ? socket.getPeerCertificate().subject : undefined
  const name = subject?.CN
  return typeof name === 'string' ? name : ''
}

/** Answers each line with `pod:line`. */
export const startLineEcho = (pod: string): Promise<Backend> =>
  running(
    createServer((socket) => {
      socket.on('data', (data) => socket.write(`${pod}:${data.toString()}`))
      socket.on('error', () => socket.destroy())
    }),
    () => undefined,
  )

async function running(server: Server, ended: () => void): Promise<Backend> {
  const open = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections++
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the backend has no port')
  return {
    port: address.port,
    get connections() {
      return connections
    },
    async stop() {
      ended()
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

type Piece = Readonly<Record<string, unknown>>

/** A Secret of type kubernetes.io/tls. */
export const tlsSecret = (name: string, leaf: Pick<Leaf, 'certificate' | 'key'>, namespace = 'infra'): Piece => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  type: 'kubernetes.io/tls',
  data: { 'tls.crt': base64(leaf.certificate), 'tls.key': base64(leaf.key) },
})

/** A ConfigMap with `ca.crt`. */
export const caConfigMap = (name: string, authority: Pick<Authority, 'certificate'>, namespace = 'infra'): Piece => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data: { 'ca.crt': authority.certificate },
})

/** A Secret with `ca.crt`, as AGC's policies name. */
export const caSecret = (name: string, authority: Pick<Authority, 'certificate'>, namespace = 'infra'): Piece => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  data: { 'ca.crt': base64(authority.certificate) },
})

/** A ReferenceGrant in `namespace` for objects of one kind in the namespace `from`. */
export const grant = (
  namespace: string,
  from: { readonly group: string; readonly kind: string; readonly namespace: string },
  to: { readonly group: string; readonly kind: string; readonly name?: string },
): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1beta1',
  kind: 'ReferenceGrant',
  metadata: { name: 'grant', namespace },
  spec: { from: [from], to: [to] },
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')
