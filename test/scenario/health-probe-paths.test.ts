// Active health checks take the way that requests take: TLS with the cluster's certificates, the PROXY header first, a
// CONNECT through an HTTP proxy; and TCP checks that send and expect bytes.

import assert from 'node:assert/strict'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { authority, type Leaf } from '../support/certificates.ts'
import {
  bootstrap,
  cluster,
  listener,
  route,
  tlsCertificate,
  upstreamTls,
  type YamlMap,
} from '../support/envoy-config.ts'
import { type ForeignServer, freePorts, startForeign } from '../support/foreign-program.ts'
import { type GrpcHealthServer, startGrpcHealthServer } from '../support/grpc-health-server.ts'
import { nothingLeft } from '../support/leaks.ts'
import { listeningPort } from '../support/listening-port.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { needs, toolPath } from '../support/tools.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.'

const check = (probe: YamlMap): YamlMap => ({
  timeout: '5s',
  interval: '0.2s',
  no_traffic_interval: '0.2s',
  unhealthy_threshold: 1,
  healthy_threshold: 1,
  ...probe,
})
const HTTP: YamlMap = { http_health_check: { path: '/health' } }
const TCP: YamlMap = { tcp_health_check: {} }
const WEBSOCKET: YamlMap = {
  custom_health_check: {
    name: 'websocket',
    typed_config: { '@type': 'type.googleapis.com/sluice.v1.WebSocketHealthCheck', path: '/ws', ping: true },
  },
}
const hex = (text: string): YamlMap => ({ text: Buffer.from(text).toString('hex') })
const exchange = (send: string, ...receive: readonly string[]): YamlMap => ({
  tcp_health_check: { send: hex(send), receive: receive.map(hex) },
})

const withProxyHeader = (version: 'V1' | 'V2'): YamlMap => ({
  name: 'proxy-protocol',
  typed_config: {
    '@type': `${TYPE}proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
    config: { version },
    transport_socket: { name: 'raw', typed_config: { '@type': `${TYPE}raw_buffer.v3.RawBuffer` } },
  },
})

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return listeningPort(server)
}

/** HTTPS and WebSocket; asks for a client certificate. */
function startSecure(leaf: Leaf, ca: string): { readonly server: HttpServer; readonly sockets: WebSocketServer } {
  const server = createHttpsServer(
    { key: leaf.key, cert: leaf.certificate, ca, requestCert: true, rejectUnauthorized: true },
    (_request, response) => response.end('well'),
  )
  return { server, sockets: new WebSocketServer({ server }) }
}

/** An HTTP proxy that only knows CONNECT. */
function connectProxy(asked: string[]): HttpServer {
  const server = createHttpServer((_request, response) => response.writeHead(405).end())
  server.on('connect', (request, client: Socket) => {
    asked.push(request.url ?? '')
    const [host = '', port = ''] = (request.url ?? '').split(':')
    const far = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.pipe(far).pipe(client)
    })
    for (const socket of [client, far]) socket.on('error', () => socket.destroy())
    client.on('close', () => far.destroy())
    far.on('close', () => client.destroy())
  })
  return server
}

/** Answers PING with PONG and `late` in two pieces. */
const talker = (): Server =>
  createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      if (!data.toString().startsWith('PING')) return socket.end('WHAT')
      socket.write('+PO')
      setTimeout(() => socket.write('NG and more'), 20)
    })
  })

let proxy: ProxyProcess
let grpc: GrpcHealthServer
let nginx: ForeignServer | undefined
const servers: Server[] = []
const asked: string[] = []
const headers: string[] = []

before(async () => {
  const signer = await authority()
  const stranger = await authority('a stranger')
  const leaf = await signer.issue({ name: 'localhost' })
  const visitor = await signer.issue({ name: 'sluice' })
  const { server: secure } = startSecure(leaf, signer.certificate)
  const hop = connectProxy(asked)
  const talking = talker()
  const reading = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (data: Buffer) => {
      headers.push(data.toString('latin1').split('\r\n', 1)[0] ?? '')
      socket.end('ok')
    })
  })
  servers.push(secure, hop, talking, reading)
  const [securePort = 0, hopPort = 0, talkingPort = 0, readingPort = 0] = await Promise.all(servers.map(listening))
  grpc = await startGrpcHealthServer(['app'], { tls: leaf })
  const { v1, v2 } = await freePorts('v1', 'v2')
  if (toolPath('nginx') !== undefined) {
    nginx = await startForeign({
      name: 'nginx',
      config: (at) => `daemon off; worker_processes 1; pid ${at}/pid; error_log stderr crit;
events {}
http { access_log off;
  server { listen 127.0.0.1:${v1} proxy_protocol; location / { return 200; } }
  server { listen 127.0.0.1:${v2} proxy_protocol; location / { return 200; } } }`,
      args: (file, at) => ['-p', at, '-c', file],
      ports: [v1, v2],
    })
  }
  const mutual = upstreamTls(signer.certificateFile, { tls_certificates: [tlsCertificate(visitor)] })
  const through = {
    name: 'hop',
    typed_config: {
      '@type': `${TYPE}http_11_proxy.v3.Http11ProxyUpstreamTransport`,
      transport_socket: mutual,
      default_proxy_address: { socket_address: { address: '127.0.0.1', port_value: hopPort } },
    },
  }
  const checked = (name: string, port: number, probe: YamlMap, tls?: YamlMap, protocol: 'http1' | 'http2' = 'http1') =>
    cluster({ name, port, protocol, ...(tls === undefined ? {} : { tls }), more: { health_checks: [check(probe)] } })
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes: [route('/', 'tls-http')] })],
      [
        checked('tls-http', securePort, HTTP, mutual),
        checked('tls-tcp', securePort, TCP, mutual),
        checked('tls-websocket', securePort, WEBSOCKET, mutual),
        checked(
          'tls-grpc',
          grpc.port,
          { grpc_health_check: { service_name: 'app' } },
          upstreamTls(signer.certificateFile),
          'http2',
        ),
        checked('tls-stranger', securePort, HTTP, upstreamTls(stranger.certificateFile)),
        checked('tls-nameless', securePort, HTTP, upstreamTls(signer.certificateFile)),
        checked('tls-plain', securePort, HTTP),
        checked('hop-http', securePort, HTTP, through),
        checked('hop-websocket', securePort, WEBSOCKET, through),
        checked('header-v1', v1, HTTP, withProxyHeader('V1')),
        checked('header-v2', v2, HTTP, withProxyHeader('V2')),
        checked('header-none', v1, HTTP),
        checked('header-of-check', readingPort, {
          tcp_health_check: { proxy_protocol_config: { version: 'V1' }, send: hex('x'), receive: [hex('ok')] },
        }),
        checked('talk', talkingPort, exchange('PING', '+PONG', 'more')),
        checked('talk-wrong', talkingPort, exchange('NONSENSE', '+PONG')),
        checked('talk-order', talkingPort, exchange('PING', 'more', '+PONG')),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  grpc.stop()
  await nginx?.stop()
  for (const server of servers) {
    if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function')
      server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  await nothingLeft()
})

const JUDGED: Readonly<Record<string, readonly string[]>> = {
  'over TLS with the certificates of the cluster': ['tls-http', 'tls-tcp', 'tls-websocket', 'tls-grpc'],
  'through an HTTP proxy that is asked to CONNECT': ['hop-http', 'hop-websocket'],
  'behind a PROXY header of the check itself': ['header-of-check'],
  'by bytes that come back in their order, in pieces': ['talk'],
}

for (const [how, names] of Object.entries(JUDGED)) {
  test(`healthy ${how}`, async () => {
    for (const name of names) await proxy.statBecomes(`cluster.${name}.membership_healthy`, 1)
  })
}

test('behind the PROXY header of the cluster, which nginx insists on', needs('nginx'), async () => {
  for (const name of ['header-v1', 'header-v2']) await proxy.statBecomes(`cluster.${name}.membership_healthy`, 1)
  assert.equal(await proxy.stat('cluster.header-none.membership_healthy'), 0)
})

test('unhealthy where the certificate is a stranger’s, is missing, or TLS is', async () => {
  for (const name of ['tls-stranger', 'tls-nameless', 'tls-plain'])
    assert.equal(await proxy.stat(`cluster.${name}.membership_healthy`), 0, name)
})

test('unhealthy when other bytes come, or the same in another order', async () => {
  for (const name of ['talk-wrong', 'talk-order'])
    assert.equal(await proxy.stat(`cluster.${name}.membership_healthy`), 0, name)
})

test('the probes were where they had to be', () => {
  assert.ok(asked.length >= 2, 'CONNECTs of probes')
  assert.match(headers[0] ?? '', /^PROXY (?:UNKNOWN|TCP4 127\.0\.0\.1 )/)
})
