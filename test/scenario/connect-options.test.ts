// What a route or cluster may say about a CONNECT that ends here: PROXY header, early data, the target as the address, the
// route timeout; and the clients that people use, through it to an HTTPS origin.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { authority, type Authority } from '../support/certificates.ts'
import { CONNECTORS } from '../support/connect-client.ts'
import { bootstrap, cluster, listener, ROUTER, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { startTcpApp, type TcpApp } from '../support/tcp-app.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'
import { delay } from '../support/waiting.ts'

const run = promisify(execFile)

const route = (host: string, name: string, connect: YamlMap = {}, action: YamlMap = {}): YamlMap => ({
  name: host,
  domains: [host],
  routes: [
    {
      match: { connect_matcher: {} },
      route: { cluster: name, upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: connect }], ...action },
    },
  ],
})

const STRICT_ROUTER: YamlMap = {
  ...ROUTER,
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
    reject_connect_request_early_data: true,
  },
}

let root: Authority
let app: TcpApp
let slow: TunnelApp
let origin: ReturnType<typeof createHttps>
let originPort: number
let proxy: ProxyProcess

before(async () => {
  app = await startTcpApp()
  // A proxy behind that never answers.
  slow = await startTunnelApp(() => undefined)
  root = await authority()
  const leaf = await root.issue({ name: 'localhost' })
  origin = createHttps({ cert: leaf.certificate, key: leaf.key }, (_request, response) =>
    response.end('hello from TLS'),
  )
  originPort = await new Promise((resolve) =>
    origin.listen(0, '127.0.0.1', () => {
      const address = origin.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    }),
  )
  const passed = {
    match: { connect_matcher: {} },
    route: { cluster: 'slow', timeout: '0.5s', upgrade_configs: [{ upgrade_type: 'CONNECT' }] },
  }
  const virtualHosts = [
    route('v1.example:1', 'app', { proxy_protocol_config: { version: 'V1' } }),
    route('v2.example:1', 'app', { proxy_protocol_config: { version: 'V2' } }),
    route('app.example:1', 'app'),
    { name: 'slow', domains: ['slow.example:1'], routes: [passed] },
    route('*', 'named'),
  ]
  const hcm = { route_config: { virtual_hosts: virtualHosts }, http_protocol_options: { accept_http_10: true } }
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'front', routes: [], upgrades: [], hcm }),
        listener({ name: 'strict', routes: [], upgrades: [], hcm: { ...hcm, http_filters: [STRICT_ROUTER] } }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'slow', port: slow.port }),
        {
          name: 'named',
          connect_timeout: '2s',
          type: 'ORIGINAL_DST',
          lb_policy: 'CLUSTER_PROVIDED',
          original_dst_lb_config: { use_http_header: true, http_header_name: ':authority' },
        },
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await slow.stop()
  origin.closeAllConnections()
  await new Promise((resolve) => origin.close(resolve))
  await nothingLeft()
})

for (const [version, connect] of CONNECTORS) {
  describe(`options of a CONNECT that ends here, by ${version}`, () => {
    test('a PROXY header of version 1 goes first', async () => {
      const before = app.visitors.length
      const client = await connect({ port: proxy.port('front'), target: 'v1.example:1', early: 'EARLY' })
      const visitor = await app.visitor(before)
      client.write('-LATER')
      await delay(50)
      const text = visitor.received().toString('latin1')
      assert.match(
        text,
        new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${proxy.port('front')}\r\nEARLY-LATER$`),
      )
      client.reset()
      await client.close()
    })

    test('a PROXY header of version 2 goes first, before the client has sent a byte', async () => {
      const before = app.visitors.length
      const client = await connect({ port: proxy.port('front'), target: 'v2.example:1' })
      const visitor = await app.visitor(before)
      await visitor.has(28)
      const header = visitor.received()
      assert.equal(header.subarray(0, 14).toString('hex'), '0d0a0d0a000d0a515549540a2111')
      assert.equal(header.readUInt16BE(26), proxy.port('front'))
      client.reset()
      await client.close()
    })

    test('early data is refused where the router says so, and no byte of it goes up', async () => {
      const before = app.visitors.length
      const client = await connect({ port: proxy.port('strict'), target: 'slow.example:1', early: 'EARLY' })
      assert.equal(client.status, 400)
      assert.match(client.headers.get('x-sluice-reason') ?? '', /^early_connect_data;/)
      assert.equal(app.visitors.length, before)
      for (const tunnel of slow.tunnels) assert.equal(tunnel.received().length, 0)
      await client.close()
    })

    test('a client that waits for its answer is not refused', async () => {
      const before = app.visitors.length
      const client = await connect({ port: proxy.port('strict'), target: 'app.example:1' })
      assert.equal(client.status, 200)
      client.write('later')
      const visitor = await app.visitor(before)
      await visitor.has('later')
      client.reset()
      await client.close()
    })

    test('the route timeout holds until the answer, and nothing was sent before it', async () => {
      const client = await connect({ port: proxy.port('front'), target: 'slow.example:1', early: 'EARLY' })
      assert.equal(client.status, 504)
      assert.match(client.headers.get('x-sluice-reason') ?? '', /^response_timeout;/)
      assert.equal(slow.tunnels.at(-1)?.received().length, 0)
      await client.close()
    })

    test('an original-dst cluster dials the target of the CONNECT', async () => {
      const before = app.visitors.length
      const client = await connect({ port: proxy.port('front'), target: `127.0.0.1:${app.port}` })
      assert.equal(client.status, 200)
      client.write('x')
      const visitor = await app.visitor(before)
      await visitor.has('x')
      client.reset()
      await client.close()
    })

    test('a target that is no address has no endpoint', async () => {
      const client = await connect({ port: proxy.port('front'), target: 'no-address.example:443' })
      assert.equal(client.status, 503)
      await client.close()
    })
  })
}

test('early data that follows the head later is refused too', async () => {
  const client = await rawClient(proxy.port('strict'))
  client.write('CONNECT slow.example:1 HTTP/1.1\r\nhost: slow.example:1\r\n\r\n')
  await delay(50)
  client.write('EARLY')
  assert.equal((await client.answer()).status, 400)
  await client.rest()
  client.close()
})

describe('clients that people use, to an HTTPS origin', () => {
  for (const [name, flags] of [
    ['HTTP/1.1', ['--proxytunnel']],
    ['HTTP/1.0', ['--proxy1.0']],
  ] as const) {
    test(`curl -x by ${name}`, async () => {
      const target = `https://127.0.0.1:${originPort}/`
      const proxyFlag =
        name === 'HTTP/1.0'
          ? [flags[0], `127.0.0.1:${proxy.port('front')}`]
          : ['-x', `http://127.0.0.1:${proxy.port('front')}`, ...flags]
      const { stdout } = await run('curl', ['-sS', '--max-time', '8', '-k', ...proxyFlag, target])
      assert.equal(stdout, 'hello from TLS')
    })
  }

  test('a node:http CONNECT client as agents are made of', async () => {
    const socket = await new Promise<Socket>((resolve, reject) => {
      const asked = httpRequest({
        host: '127.0.0.1',
        port: proxy.port('front'),
        method: 'CONNECT',
        path: `127.0.0.1:${originPort}`,
        agent: false,
      })
      asked.on('connect', (answer, tunnel: Socket) =>
        answer.statusCode === 200 ? resolve(tunnel) : reject(new Error()),
      )
      asked.on('error', reject)
      asked.end()
    })
    const body = await new Promise<string>((resolve, reject) => {
      const secure = connectTls({ socket, ca: root.certificate, servername: 'localhost' })
      const asked = httpRequest({ host: 'localhost', path: '/', createConnection: () => secure }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        answer.on('end', () => resolve(text))
      })
      asked.on('error', reject)
      asked.end()
    })
    assert.equal(body, 'hello from TLS')
    socket.destroy()
  })
})
