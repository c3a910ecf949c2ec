// A cluster behind somebody else's HTTP proxy, as Envoy configures it (`http_11_proxy`) and with what Sluice adds
// (`sluice.v1.HttpProxyTransport`): CONNECT in the clear with a password, TLS end to end inside, in one hop.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { type Authority, authority } from '../support/certificates.ts'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import {
  bootstrap,
  cluster,
  endpoint,
  fileLog,
  listener,
  route,
  upstreamTls,
  type YamlMap,
} from '../support/envoy-config.ts'
import { runForeign } from '../support/foreign-program.ts'
import { type ForwardProxy, startSquid, startTinyproxy } from '../support/forward-proxies.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { TcpEnd } from '../support/tcp-end.ts'
import { tcpListener } from '../support/tunnel-config.ts'
import { needs } from '../support/tools.ts'
import { until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-proxy-hop-'))
const logFile = join(folder, 'log')
const FORMAT = '%RESPONSE_FLAGS% %CLOSED_BY% %CLOSE_CAUSE% %CLOSE_DETAIL% %UPSTREAM_TRANSPORT_FAILURE_REASON%\n'

const TYPE = 'type.googleapis.com/'
const LOGIN = { user: 'anna', password: 'open:sesame' }
const RAW: YamlMap = {
  name: 'raw',
  typed_config: { '@type': `${TYPE}envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer` },
}

const at = (port: number, address = '127.0.0.1'): YamlMap => ({ socket_address: { address, port_value: port } })

/** Envoy's transport socket; the proxy is here or in metadata. */
const http11Proxy = (inner: YamlMap, proxyPort?: number): YamlMap => ({
  transport_socket: {
    name: 'envoy.transport_sockets.http_11_proxy',
    typed_config: {
      '@type': `${TYPE}envoy.extensions.transport_sockets.http_11_proxy.v3.Http11ProxyUpstreamTransport`,
      transport_socket: inner,
      ...(proxyPort === undefined ? {} : { default_proxy_address: at(proxyPort) }),
    },
  },
})

const proxyMetadata = (port: number): YamlMap => ({
  metadata: {
    typed_filter_metadata: {
      'envoy.http11_proxy_transport_socket.proxy_address': {
        '@type': `${TYPE}envoy.config.core.v3.Address`,
        ...at(port),
      },
    },
  },
})

/** Sluice's transport socket. */
const httpProxy = (inner: YamlMap, proxyPort: number, more: YamlMap = {}): YamlMap => ({
  transport_socket: {
    name: 'through-the-proxy',
    typed_config: {
      '@type': `${TYPE}sluice.v1.HttpProxyTransport`,
      proxy_address: at(proxyPort, 'localhost'),
      transport_socket: inner,
      ...more,
    },
  },
})

const basic = (password: string): YamlMap => ({
  basic_auth: { username: LOGIN.user, password: { inline_string: password } },
})

let ca: Authority
let plain: EchoApp
let secure: EchoApp
let squid: ForwardProxy
let tinyproxy: ForwardProxy
let guarded: ForwardProxy
let noted: NotingProxy
let proxy: ProxyProcess

before(async () => {
  ca = await authority()
  plain = await startEchoApp()
  secure = await startEchoApp({ tls: await ca.issue({ name: 'localhost' }) })
  squid = await startSquid()
  tinyproxy = await startTinyproxy()
  guarded = await startSquid(LOGIN)
  noted = await startNotingProxy()
  const tls = upstreamTls(ca.certificateFile)
  const headers = {
    headers_to_add: [{ header: { key: 'x-team', value: 'edge %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } }],
  }
  const clusters: readonly YamlMap[] = [
    cluster({ name: 'default-plain', port: plain.port, more: http11Proxy(RAW, squid.port) }),
    cluster({ name: 'default-tls', port: secure.port, more: http11Proxy(tls, squid.port) }),
    cluster({ name: 'default-tiny', port: plain.port, more: http11Proxy(RAW, tinyproxy.port) }),
    cluster({ name: 'no-proxy', port: secure.port, more: http11Proxy(tls) }),
    {
      ...cluster({ name: 'endpoint', port: 0, more: http11Proxy(tls) }),
      load_assignment: {
        cluster_name: 'endpoint',
        endpoints: [{ lb_endpoints: [{ ...endpoint(secure.port), ...proxyMetadata(tinyproxy.port) }] }],
      },
    },
    {
      ...cluster({ name: 'endpoint-plain', port: 0, more: http11Proxy(RAW) }),
      load_assignment: {
        cluster_name: 'endpoint-plain',
        endpoints: [{ lb_endpoints: [{ ...endpoint(plain.port), ...proxyMetadata(squid.port) }] }],
      },
    },
    {
      ...cluster({ name: 'locality', port: 0, more: http11Proxy(tls) }),
      load_assignment: {
        cluster_name: 'locality',
        endpoints: [{ lb_endpoints: [endpoint(secure.port)], ...proxyMetadata(squid.port) }],
      },
    },
    cluster({ name: 'guarded', port: secure.port, more: httpProxy(tls, guarded.port, basic(LOGIN.password)) }),
    cluster({ name: 'refused', port: secure.port, more: httpProxy(tls, guarded.port, basic('wrong')) }),
    cluster({ name: 'noted', port: secure.port, more: httpProxy(tls, noted.port, { ...basic('p'), ...headers }) }),
    cluster({ name: 'open-plain', port: plain.port, more: httpProxy(RAW, squid.port) }),
    cluster({ name: 'raw-tcp', port: secure.port, more: httpProxy(RAW, guarded.port, basic(LOGIN.password)) }),
  ]
  const names = clusters.map(({ name }) => (typeof name === 'string' ? name : ''))
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'web', routes: names.map((name) => route(`/${name}`, name)) }),
        tcpListener({ name: 'tls-added', cluster: 'guarded' }),
        tcpListener({ name: 'tls-passed', cluster: 'raw-tcp' }),
        tcpListener({ name: 'tcp-refused', cluster: 'refused', tcp: { access_log: [fileLog(logFile, FORMAT)] } }),
      ],
      clusters,
    ),
  )
})

after(async () => {
  await proxy.stop()
  await plain.stop()
  await secure.stop()
  await squid.stop()
  await tinyproxy.stop()
  await guarded.stop()
  await noted.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

interface NotingProxy {
  readonly port: number
  readonly heads: readonly IncomingMessage['headers'][]
  stop(): Promise<void>
}

/** A CONNECT proxy that keeps what it was asked. */
async function startNotingProxy(): Promise<NotingProxy> {
  const heads: IncomingMessage['headers'][] = []
  const open = new Set<Duplex>()
  const server = createServer()
  server.on('connect', ({ url = '', headers }: IncomingMessage, client: Duplex) => {
    heads.push({ ...headers, ':target': url })
    const far = connect(Number(url.slice(url.lastIndexOf(':') + 1)), '127.0.0.1')
    for (const side of [client, far]) {
      open.add(side)
      side.on('error', () => undefined)
    }
    client.write('HTTP/1.1 200 OK\r\nX-Proxy: noting\r\n\r\n')
    client.pipe(far).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    heads,
    stop: () =>
      new Promise((resolve) => {
        for (const side of open) side.destroy()
        server.close(() => resolve())
      }),
  }
}

/** The body of a GET through a cluster, and whether the proxy on the way saw the request (it then adds Via). */
async function fetched(name: string): Promise<{ status: string; body: string; seenByProxy: boolean }> {
  const url = `http://127.0.0.1:${proxy.port('web')}/${name}`
  const origin = name.includes('plain') || name === 'default-tiny' ? plain : secure
  const host = `host: 127.0.0.1:${origin.port}`
  const { stdout } = await runForeign('curl', ['-sS', '--max-time', '10', '-i', '-H', host, url])
  const split = stdout.indexOf('\r\n\r\n')
  const head = stdout.slice(0, split)
  return { status: head.slice(9, 12), body: stdout.slice(split + 4), seenByProxy: /^via:/im.test(head) }
}

async function echoes(name: string): Promise<void> {
  const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: `/${name}` })
  client.socket.send('hello')
  assert.equal(String((await client.next()).data), 'hello')
  await client.close()
}

describe('http_11_proxy', needs('squid', 'tinyproxy', 'curl'), () => {
  for (const name of ['default-plain', 'default-tiny']) {
    test(`asks ${name === 'default-tiny' ? 'tinyproxy' : 'squid'} for the whole URL when nothing is encrypted`, async () => {
      assert.deepEqual(await fetched(name), { status: '200', body: `app /${name}`, seenByProxy: true })
    })
  }

  for (const name of ['default-tls', 'endpoint', 'locality', 'endpoint-plain']) {
    test(`${name}: CONNECT first, so that the proxy sees nothing`, async () => {
      assert.deepEqual(await fetched(name), { status: '200', body: `app /${name}`, seenByProxy: false })
      await echoes(name)
    })
  }

  test('without an address the endpoint is dialled itself', async () => {
    assert.deepEqual(await fetched('no-proxy'), { status: '200', body: 'app /no-proxy', seenByProxy: false })
  })
})

describe('sluice.v1.HttpProxyTransport', needs('squid', 'openssl', 'curl'), () => {
  test('a WebSocket reaches a wss origin through squid with a password', async () => {
    await echoes('guarded')
    assert.deepEqual(await fetched('guarded'), { status: '200', body: 'app /guarded', seenByProxy: false })
  })

  test('the CONNECT has the credentials and the fields, and nothing of the request', async () => {
    await echoes('noted')
    const { 'proxy-authorization': credentials, 'x-team': team, host, ...others } = noted.heads[0] ?? {}
    assert.equal(credentials, `Basic ${Buffer.from('anna:p').toString('base64')}`)
    assert.equal(team, 'edge 127.0.0.1')
    assert.equal(host, `127.0.0.1:${secure.port}`)
    assert.deepEqual(others, { ':target': host })
  })

  test('a WebSocket without TLS passes as well: it is asked for by CONNECT, not by its URL', async () => {
    await echoes('open-plain')
  })

  test('a wrong password is explained to the client and never shown', async () => {
    const { status, body } = await fetched('refused')
    assert.equal(status, '503')
    assert.match(body, /407/)
    assert.doesNotMatch(body + proxy.output(), /wrong|sesame/)
  })

  test('tcp_proxy: TLS is added here, or the client’s own passes', async () => {
    const client = new TcpEnd(connect({ port: proxy.port('tls-added'), host: '127.0.0.1', allowHalfOpen: true }))
    client.write('GET /by-tcp HTTP/1.0\r\n\r\n')
    await client.becomes('fin', 'closed')
    client.close()
    const { port } = { port: proxy.port('tls-passed') }
    const own = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificate })
    let text = ''
    own.on('data', (chunk: Buffer) => (text += chunk.toString()))
    own.write('GET /by-tls HTTP/1.0\r\n\r\n')
    await until(() => (text.endsWith('app /by-tls') ? true : undefined), { what: 'the answer', detail: () => text })
    own.destroy()
  })

  test('tcp_proxy: a refusal closes the client, and the log says what the proxy answered', async () => {
    const client = new TcpEnd(connect({ port: proxy.port('tcp-refused'), host: '127.0.0.1' }))
    await client.becomes('fin', 'closed', 'reset')
    const line = await until(() => readFileSync(logFile, 'utf8') || undefined, { what: 'a line in the log' })
    assert.match(line, /^URX?,UF|^UF,URX/)
    assert.match(line, /upstream .*proxy localhost:\d+ .*407.* \(CONNECT 127\.0\.0\.1:\d+\)/)
    assert.doesNotMatch(line, /wrong|sesame/)
  })
})
