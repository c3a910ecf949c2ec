// What a tcp_proxy may be told besides where to go: weights, when to dial, names from TLS, what it asks and notes of an HTTP
// proxy, PROXY headers with its own TLVs, and when it writes to the log.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type Authority, authority } from '../support/certificates.ts'
import { bootstrap, cluster, downstreamTls, fileLog, type YamlMap } from '../support/envoy-config.ts'
import { type HeaderTeller, proxyHeaderV2, startHeaderTeller } from '../support/header-teller.ts'
import { nothingLeft } from '../support/leaks.ts'
import { proxyProtocolFilter, TLS_INSPECTOR } from '../support/network-config.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpApp, type TcpApp } from '../support/tcp-app.ts'
import { TcpEnd } from '../support/tcp-end.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { tcpListener } from '../support/tunnel-config.ts'
import { startHttp1Tunnels, type TunnelServer } from '../support/tunnel-servers.ts'
import { needs } from '../support/tools.ts'
import { delay, nextEvent, until } from '../support/waiting.ts'

const TYPE = 'type.googleapis.com/'
const folder = mkdtempSync(join(tmpdir(), 'sluice-tcp-options-'))
const logFile = join(folder, 'log')
const FORMAT =
  '%LISTENER_NAME% %ACCESS_LOG_TYPE% %REQUESTED_SERVER_NAME% %UPSTREAM_CLUSTER% %BYTES_RECEIVED%/%BYTES_SENT% ' +
  '%DYNAMIC_METADATA(envoy.filters.network.tcp_proxy:tunnel_request_id)% ' +
  '%FILTER_STATE(envoy.tcp_proxy.propagate_response_headers:TYPED)% ' +
  '%FILTER_STATE(envoy.tcp_proxy.propagate_response_trailers:TYPED)%\n'
const log = { access_log: [fileLog(logFile, FORMAT)] }

/** An HTTP/2 proxy that accepts, says hello, and ends with trailers; `no.test` is refused with 407. */
interface TrailerProxy {
  readonly port: number
  readonly asked: readonly IncomingHttpHeaders[]
  stop(): Promise<void>
}

async function startTrailerProxy(): Promise<TrailerProxy> {
  const asked: IncomingHttpHeaders[] = []
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    asked.push(headers)
    stream.on('error', () => undefined)
    if (headers[':authority'] === 'no.test:1')
      return stream.respond({ ':status': 407, 'x-why': 'nobody' }, { endStream: true })
    stream.respond({ ':status': 200, 'x-hop': 'a' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
    stream.end('hello')
    stream.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    asked,
    stop: () =>
      new Promise((resolve) => {
        for (const session of sessions) session.destroy()
        server.close(() => resolve())
      }),
  }
}

const proxyHeader: YamlMap = {
  transport_socket: {
    name: 'proxy-protocol',
    typed_config: {
      '@type': `${TYPE}envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
      config: { version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE_ALL' } },
      transport_socket: {
        name: 'raw',
        typed_config: { '@type': `${TYPE}envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer` },
      },
    },
  },
}

let ca: Authority
let app: TcpTarget
let other: TcpApp
let hop: TrailerProxy
let http1: TunnelServer
let teller: HeaderTeller | undefined
let proxy: ProxyProcess

before(async () => {
  ca = await authority()
  const leaf = await ca.issue({ name: 'localhost', dns: ['db.test'] })
  app = await startTcpTarget()
  other = await startTcpApp((socket) => socket.end('other'))
  hop = await startTrailerProxy()
  http1 = await startHttp1Tunnels(app.port)
  teller = needs('haproxy').skip === undefined ? await startHeaderTeller() : undefined
  const noted = {
    propagate_response_headers: true,
    propagate_response_trailers: true,
    request_id_extension: {
      typed_config: { '@type': `${TYPE}envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig` },
    },
  }
  const weights = {
    weighted_clusters: {
      clusters: [
        { name: 'app', weight: 1 },
        { name: 'other', weight: 3 },
      ],
    },
  }
  const tls = downstreamTls([leaf])
  const tlvs = {
    proxy_protocol_tlvs: [
      {
        type: 5,
        format_string: { text_format_source: { inline_string: 'from %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } },
      },
    ],
    proxy_protocol_tlv_merge_policy: 'APPEND_IF_EXISTS_OR_ADD',
  }
  proxy = await startProxy(
    bootstrap(
      [
        tcpListener({ name: 'weighted', tcp: weights }),
        tcpListener({
          name: 'handshake',
          cluster: 'app',
          tls,
          tcp: { ...log, upstream_connect_mode: 'ON_DOWNSTREAM_TLS_HANDSHAKE', max_early_data_bytes: 64 },
        }),
        tcpListener({
          name: 'sni',
          cluster: 'hop',
          tcp: log,
          tunnel: { hostname: '%REQUESTED_SERVER_NAME%:443', ...noted },
          more: { listener_filters: [TLS_INSPECTOR] },
        }),
        tcpListener({ name: 'refused', cluster: 'hop', tcp: log, tunnel: { hostname: 'no.test:1', ...noted } }),
        tcpListener({ name: 'ahead', cluster: 'ahead', tunnel: { hostname: 'a.test:1' } }),
        tcpListener({
          name: 'lines',
          cluster: 'ready',
          tcp: {
            ...log,
            access_log_options: {
              access_log_flush_interval: '0.1s',
              flush_access_log_on_connected: true,
              flush_access_log_on_start: true,
            },
          },
        }),
        tcpListener({
          name: 'tlvs',
          cluster: 'haproxy',
          tcp: tlvs,
          more: {
            listener_filters: [
              proxyProtocolFilter({ pass_through_tlvs: { match_type: 'INCLUDE_ALL' } }),
              TLS_INSPECTOR,
            ],
          },
        }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'ready', port: app.port }),
        cluster({ name: 'ahead', port: http1.port, more: { preconnect_policy: { per_upstream_preconnect_ratio: 2 } } }),
        cluster({ name: 'other', port: other.port }),
        cluster({ name: 'hop', port: hop.port, protocol: 'http2' }),
        cluster({ name: 'haproxy', port: teller?.port ?? 1, more: proxyHeader }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await other.stop()
  await hop.stop()
  await http1.stop()
  await teller?.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

function enter(name: string): { client: TcpEnd; socket: Socket } {
  const socket = connect({ port: proxy.port(name), host: '127.0.0.1', allowHalfOpen: true })
  return { client: new TcpEnd(socket), socket }
}

const lines = (name: string): readonly string[] =>
  readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${name} `))
    .map((line) => line.slice(name.length + 1))

const logged = (name: string, pattern: RegExp): Promise<string> =>
  until(() => lines(name).find((line) => pattern.test(line)), {
    what: `${pattern} in the log of ${name}`,
    ms: 5000,
    detail: () => lines(name).join('\n'),
  })

test('weighted clusters share the connections by weight', async () => {
  const count = 80
  for (let i = 0; i < count; i++) {
    const { client, socket } = enter('weighted')
    await until(() => (client.kind === 'fin' || app.accepted + other.visitors.length > i ? true : undefined), {
      what: 'a connection at one of the two',
    })
    socket.destroy()
  }
  const one = await proxy.stat('cluster.app.upstream_cx_total')
  const three = await proxy.stat('cluster.other.upstream_cx_total')
  assert.equal(one + three, count)
  // 1 in 4; far beyond what chance does.
  assert.ok(one > 4 && one < 45, `${one} of ${count} went to the lighter one`)
  while (app.accepted > 0 && taken < one) await take()
})

let taken = 0
async function take(): Promise<void> {
  taken++
  const socket = await app.next()
  socket.destroy()
}

test('with ON_DOWNSTREAM_TLS_HANDSHAKE nothing is dialled before the handshake', async () => {
  const before = app.accepted
  const raw = connect(proxy.port('handshake'), '127.0.0.1')
  raw.on('error', () => undefined)
  await nextEvent(raw, 'connect')
  await delay(100)
  assert.equal(app.accepted, before)
  const secure = connectTls({ socket: raw, servername: 'db.test', ca: ca.certificate })
  secure.on('error', () => undefined)
  secure.write('early')
  const far = new TcpEnd(await app.next())
  await far.has('early')
  secure.destroy()
  far.close()
  await logged('handshake', /^TcpConnectionEnd db\.test app /)
})

describe('tunneling_config', () => {
  test('the target comes from the TLS server name; the answer’s fields, its trailers and the request id reach the log', async () => {
    const secure = connectTls({ port: proxy.port('sni'), host: '127.0.0.1', servername: 'db.test' })
    secure.on('error', () => undefined)
    await until(() => hop.asked.find((headers) => headers[':authority'] === 'db.test:443'), { what: 'the CONNECT' })
    const id = String(hop.asked.find((headers) => headers[':authority'] === 'db.test:443')?.['x-request-id'])
    assert.match(id, /^[0-9a-f-]{36}$/)
    const line = await logged('sni', /^TcpConnectionEnd db\.test hop /)
    secure.destroy()
    assert.ok(line.includes(` ${id} `), line)
    assert.match(line, /"key":"x-hop","value":"a"/)
    assert.match(line, /"key":"x-sum","value":"42"/)
  })

  test('the fields of a refusal reach the log as well', async () => {
    const { client } = enter('refused')
    await client.becomes('fin', 'closed', 'reset')
    client.close()
    assert.match(await logged('refused', /^TcpConnectionEnd /), /":status","value":"407".*"x-why","value":"nobody"/)
  })
})

test('the log has lines at the start, when the upstream stands, at intervals and at the end', async () => {
  const { client } = enter('lines')
  const far = new TcpEnd(await app.next())
  client.write('12345')
  await far.has('12345')
  await logged('lines', /^TcpPeriodic - ready 5\/0 /)
  client.close()
  far.close()
  await logged('lines', /^TcpConnectionEnd - ready 5\/0 /)
  const types = lines('lines').map((line) => line.split(' ')[0])
  assert.deepEqual(types.slice(0, 2), ['TcpConnectionStart', 'TcpUpstreamConnected'])
  assert.equal(types.filter((type) => type === 'TcpConnectionEnd').length, 1)
})

test('with preconnect_policy the connection of the next tunnel stands already', async () => {
  const first = enter('ahead').client
  const firstFar = new TcpEnd(await app.next())
  await proxy.statBecomes('cluster.ahead.upstream_cx_active', 2)
  const second = enter('ahead').client
  const secondFar = new TcpEnd(await app.next())
  // Two tunnels, and again as many to come.
  await proxy.statBecomes('cluster.ahead.upstream_cx_total', 4)
  assert.equal(await proxy.stat('cluster.ahead.upstream_rq_active'), 2)
  for (const end of [first, second, firstFar, secondFar]) end.close()
})

test('TLVs that came and TLVs that are added reach HAProxy', needs('haproxy'), async () => {
  const { client, socket } = enter('tlvs')
  socket.write(proxyHeaderV2([[2, 'came.test']]))
  socket.write('GET / HTTP/1.0\r\n\r\n')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await client.becomes('fin', 'closed')
  client.close()
  assert.match(text, /198\.51\.100\.7 8192 \[came\.test\] \[from 198\.51\.100\.7\]$/)
})
