// PROXY headers at the start of terminated CONNECTs, read by HAProxy, with the TLVs that came and those that are added; and
// clusters that end every CONNECT because their upstream_config names the TCP pool.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { CONNECTORS } from '../support/connect-client.ts'
import { bootstrap, cluster, listener, type YamlMap } from '../support/envoy-config.ts'
import { type HeaderTeller, proxyHeaderV2, startHeaderTeller } from '../support/header-teller.ts'
import { nothingLeft } from '../support/leaks.ts'
import { proxyProtocolFilter } from '../support/network-config.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpApp, type TcpApp } from '../support/tcp-app.ts'
import { needs } from '../support/tools.ts'
import { terminate, terminatePost } from '../support/tunnel-config.ts'
import { until } from '../support/waiting.ts'

const TYPE = 'type.googleapis.com/'
/** CONNECT allowed, with nothing said about its end. */
const connectRoute: YamlMap = {
  match: { connect_matcher: {} },
  route: { cluster: 'ends', upgrade_configs: [{ upgrade_type: 'CONNECT' }] },
}

const header = (version: string, more: YamlMap = {}): YamlMap => ({ proxy_protocol_config: { version, ...more } })
const host = (authority: string): YamlMap => ({ headers: [{ name: ':authority', string_match: { exact: authority } }] })
const tlvs: YamlMap = {
  pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [2] },
  added_tlvs: [{ type: 5, value: Buffer.from('added').toString('base64') }],
}

let app: TcpApp
let teller: HeaderTeller
let proxy: ProxyProcess

before(async () => {
  app = await startTcpApp()
  const known = needs('haproxy').skip === undefined
  teller = known ? await startHeaderTeller() : { port: 1, stop: () => Promise.resolve() }
  const routes = [
    terminate('teller', host('v1.test:1'), header('V1')),
    terminate('teller', host('v2.test:1'), header('V2', tlvs)),
    terminatePost('teller', { prefix: '/post' }),
  ]
  const posts = [
    {
      ...terminatePost('teller'),
      route: {
        cluster: 'teller',
        upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: { allow_post: true, ...header('V2', tlvs) } }],
      },
    },
  ]
  const behind = { listener_filters: [proxyProtocolFilter({ pass_through_tlvs: { match_type: 'INCLUDE_ALL' } })] }
  const upstreamConfig = {
    upstream_config: {
      name: 'envoy.filters.connection_pools.tcp.generic',
      typed_config: { '@type': `${TYPE}envoy.extensions.upstreams.http.tcp.v3.TcpConnectionPoolProto` },
    },
  }
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'front', routes, upgrades: [], more: behind }),
        listener({ name: 'posts', routes: posts, upgrades: [], more: behind }),
        listener({ name: 'tcp-pool', routes: [connectRoute], upgrades: [] }),
      ],
      [cluster({ name: 'teller', port: teller.port }), cluster({ name: 'ends', port: app.port, more: upstreamConfig })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await teller.stop()
  await app.stop()
  await nothingLeft()
})

/** A client behind a proxy that says who it is: CONNECT or POST, then a request to HAProxy; what HAProxy answered. */
async function told(name: string, head: string, request: string): Promise<string> {
  const socket: Socket = connect({ port: proxy.port(name), host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  socket.write(Buffer.concat([proxyHeaderV2([[2, 'came.test']]), Buffer.from(head)]))
  await until(() => (text.includes('\r\n\r\n') ? true : undefined), { what: 'the answer', detail: () => text })
  assert.match(text, /^HTTP\/1\.1 200 /)
  socket.write(request)
  const answer = await until(() => /(198\.51\.100\.7 .*\])/.exec(text)?.[1], {
    what: 'what HAProxy says',
    detail: () => text,
  })
  socket.destroy()
  return answer
}

describe('proxy_protocol_config', needs('haproxy'), () => {
  const get = 'GET / HTTP/1.0\r\n\r\n'
  test('V1 has the addresses', async () => {
    const head = 'CONNECT v1.test:1 HTTP/1.1\r\nhost: v1.test:1\r\n\r\n'
    assert.equal(await told('front', head, get), '198.51.100.7 8192 [] []')
  })

  test('V2 has the addresses, the TLVs that came and those that are added', async () => {
    const head = 'CONNECT v2.test:1 HTTP/1.1\r\nhost: v2.test:1\r\n\r\n'
    assert.equal(await told('front', head, get), '198.51.100.7 8192 [came.test] [added]')
  })

  test('a POST taken for a CONNECT has them as well', async () => {
    const head = 'POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n'
    const chunk = `${get.length.toString(16)}\r\n${get}\r\n`
    assert.equal(await told('posts', head, chunk), '198.51.100.7 8192 [came.test] [added]')
  })
})

describe('a cluster whose upstream_config names the TCP pool', () => {
  for (const [version, connectBy] of CONNECTORS) {
    test(`ends a CONNECT by ${version} though the route does not say so`, async () => {
      const before = app.visitors.length
      const client = await connectBy({ port: proxy.port('tcp-pool'), target: 'any.test:1' })
      assert.equal(client.status, 200)
      client.write('as it is')
      const visitor = await app.visitor(before)
      await visitor.has('as it is')
      visitor.socket.write('back')
      assert.equal(String(await client.read(4)), 'back')
      client.end()
      await client.close()
    })
  }
})
