// Clusters that dial what is named, as the real program: dynamic forward proxy for requests, CONNECT and TLS server names,
// original destinations by header, and the target policy between them and this machine.

import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { bootstrap, listener, TLS_INSPECTOR, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { type RawAnswer, rawClient } from '../support/raw-client.ts'
import { tcpListener, terminate } from '../support/tunnel-config.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.'
const CACHE = { name: 'names', dns_lookup_family: 'V4_ONLY', dns_query_timeout: '1s', max_hosts: 16 }

const lookUp: YamlMap = {
  name: 'dfp',
  typed_config: {
    '@type': `${TYPE}filters.http.dynamic_forward_proxy.v3.FilterConfig`,
    dns_cache_config: CACHE,
  },
}

const rewrite = (how: YamlMap): YamlMap => ({
  typed_per_filter_config: {
    dfp: { '@type': `${TYPE}filters.http.dynamic_forward_proxy.v3.PerRouteConfig`, ...how },
  },
})

const named = (name: string, policy?: YamlMap): YamlMap => ({
  name,
  connect_timeout: '2s',
  lb_policy: 'CLUSTER_PROVIDED',
  cluster_type: {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typed_config: { '@type': `${TYPE}clusters.dynamic_forward_proxy.v3.ClusterConfig`, dns_cache_config: CACHE },
  },
  ...(policy === undefined
    ? {}
    : {
        metadata: {
          typed_filter_metadata: {
            'sluice.target_policy': { '@type': 'type.googleapis.com/sluice.v1.TargetPolicy', ...policy },
          },
        },
      }),
})

const byHeader = (name: string, header: string): YamlMap => ({
  name,
  type: 'ORIGINAL_DST',
  connect_timeout: '2s',
  cleanup_interval: '0.5s',
  lb_policy: 'CLUSTER_PROVIDED',
  original_dst_lb_config: { use_http_header: true, http_header_name: header },
})

const to = (cluster: string, prefix = '/', more: YamlMap = {}): YamlMap => ({
  match: { prefix },
  route: { cluster },
  ...more,
})

let app: Site
let secure: Site
let proxy: ProxyProcess
let ca: string

interface Site {
  readonly port: number
  stop(): Promise<void>
}

async function site(server: Server): Promise<Site> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

const echo: RequestListener = (asked, answer) => {
  let body = ''
  asked.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
  asked.on('end', () => answer.end(`${asked.headers.host} ${asked.url} ${body}`.trim()))
}

before(async () => {
  const issuer = await authority()
  const leaf = await issuer.issue({ name: 'app.localhost', dns: ['app.localhost'] })
  ca = issuer.certificate
  app = await site(createServer(echo))
  secure = await site(createSecureServer({ key: leaf.key, cert: leaf.certificate }, echo))
  const sni = {
    name: 'sni',
    typed_config: {
      '@type': `${TYPE}filters.network.sni_dynamic_forward_proxy.v3.FilterConfig`,
      port_value: secure.port,
      dns_cache_config: CACHE,
    },
  }
  const front = (name: string, cluster: string, more: readonly YamlMap[] = []): YamlMap =>
    listener({ name, filters: [lookUp], routes: [terminate(cluster), ...more, to(cluster)] })
  proxy = await startProxy(
    bootstrap(
      [
        front('open', 'open', [
          to('open', '/literal', rewrite({ host_rewrite_literal: `sub.localhost:${app.port}` })),
          to('open', '/header', rewrite({ host_rewrite_header: 'x-to' })),
          to('lonely', '/lonely'),
        ]),
        front('guarded', 'guarded'),
        front('allowed', 'allowed'),
        listener({ name: 'original', routes: [terminate('authority'), to('header')] }),
        tcpListener({ name: 'sni', cluster: 'open', before: [sni], more: { listener_filters: [TLS_INSPECTOR] } }),
        // Nothing looks its names up.
        listener({ name: 'blind', routes: [to('open')] }),
      ],
      [
        named('open'),
        named('lonely', { only_allowed: true, allow: ['a.example:443'] }),
        named('guarded', {}),
        named('allowed', { allow: [`app.localhost:${app.port}`] }),
        byHeader('authority', ':authority'),
        byHeader('header', 'x-envoy-original-dst-host'),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await secure.stop()
  await nothingLeft()
})

interface Reply extends RawAnswer {
  readonly body: string
}

/** One request on its own connection. */
async function ask(door: string, host: string, path = '/', fields = '', body = ''): Promise<Reply> {
  const client = await rawClient(proxy.port(door))
  const method = body === '' ? 'GET' : 'POST'
  const length = body === '' ? '' : `content-length: ${body.length}\r\n`
  client.write(`${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n${fields}${length}\r\n${body}`)
  const answer = await client.answer()
  const text = (await client.rest()).toString('latin1')
  client.close()
  const chunked = answer.headers.get('transfer-encoding') === 'chunked'
  return { ...answer, body: chunked ? text.replace(/\r\n0\r\n\r\n$/, '').replace(/^[0-9a-f]+\r\n/, '') : text }
}

/** Opens a tunnel and, when it stands, asks through it. */
async function connect(door: string, target: string): Promise<Reply> {
  const client = await rawClient(proxy.port(door))
  client.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`)
  const answer = await client.answer()
  if (answer.status === 200) client.write('GET /through HTTP/1.1\r\nhost: inner\r\nconnection: close\r\n\r\n')
  const body = (await client.rest()).toString('latin1')
  client.close()
  return { ...answer, body }
}

describe('dynamic forward proxy', () => {
  test('a request goes to the host it names', async () => {
    const answer = await ask('open', `app.localhost:${app.port}`, '/x')
    assert.deepEqual([answer.status, answer.body], [200, `app.localhost:${app.port} /x`])
    assert.equal((await ask('open', `127.0.0.1:${app.port}`, '/y')).status, 200)
    assert.ok((await proxy.stat('dns_cache.names.dns_query_success')) >= 1)
    assert.ok((await proxy.stat('cluster.open.membership_total')) >= 2)
  })

  test('a body that waits for the name arrives whole', async () => {
    const body = 'x'.repeat(200_000)
    const answer = await ask('open', `body.localhost:${app.port}`, '/', '', body)
    assert.deepEqual([answer.status, answer.body.length], [200, `body.localhost:${app.port} / ${body}`.length])
  })

  test('CONNECT ends at the host it names', async () => {
    const { status, body } = await connect('open', `connect.localhost:${app.port}`)
    assert.equal(status, 200)
    assert.match(body, /inner \/through/)
  })

  test('a route names another host', async () => {
    const { port } = app
    assert.equal((await ask('open', 'a.example', '/literal')).body, `sub.localhost:${port} /literal`)
    const answer = await ask('open', 'a.example', '/header', `x-to: other.localhost:${port}\r\n`)
    assert.equal(answer.body, `other.localhost:${port} /header`)
  })

  test('a name that does not resolve gets 503 with the reason, for requests and CONNECT', async () => {
    for (const answer of [await ask('open', 'nothing.invalid'), await connect('open', 'nothing.invalid:443')]) {
      assert.equal(answer.status, 503)
      assert.match(answer.body, /Looking up the name of nothing\.invalid:\d+ failed: /)
    }
    assert.ok((await proxy.stat('dns_cache.names.dns_query_attempt')) >= 1)
  })

  test('hosts that are none are refused without a query', async () => {
    const before = await proxy.stat('dns_cache.names.dns_query_attempt')
    const long = `${'a.'.repeat(150)}b`
    for (const host of ['127.1', '2130706433', '0x7f.1', 'a..b', long, '[fe80::1%25eth0]', '127.0.0.1:0', 'a:65536']) {
      const answer = await ask('open', host)
      assert.ok(answer.status === 400, `${host}: ${answer.status}`)
    }
    for (const target of ['127.1:80', '0x7f000001:80', 'a:0', 'a:65536', 'a..b:80', '::1:80'])
      assert.equal((await connect('open', target)).status, 400, target)
    assert.equal(await proxy.stat('dns_cache.names.dns_query_attempt'), before)
  })

  test('a cluster that nobody looks names up for says so', async () => {
    const answer = await ask('blind', 'unknown.localhost')
    assert.equal(answer.status, 503)
    assert.match(answer.body, /filter dynamic_forward_proxy with DNS cache "names" must look it up first/)
  })

  test('a TLS server name is dialled with the session untouched', async () => {
    const client = await rawClient(proxy.port('sni'), { servername: 'app.localhost', ca })
    client.write('GET /sni HTTP/1.1\r\nhost: app.localhost\r\nconnection: close\r\n\r\n')
    assert.equal((await client.answer()).status, 200)
    assert.match((await client.rest()).toString('latin1'), /app\.localhost \/sni/)
    client.close()
    await assert.rejects(rawClient(proxy.port('sni'), { servername: 'nothing.invalid', ca }))
  })
})

describe('target policy', () => {
  test('this machine is refused by every name and spelling of it', async () => {
    const { port } = app
    const own = [
      '127.0.0.1',
      'localhost',
      'LOCALHOST.',
      'app.localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
    ]
    own.push('0.0.0.0', '[::]', '127.9.9.9', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '169.254.169.254', '10.0.0.1')
    for (const host of own) {
      const answer = await ask('guarded', `${host}:${port}`)
      assert.equal(answer.status, 403, host)
      assert.match(answer.body, /which the target policy \(envoy\.yaml:\d+\) refuses; to permit it, add the allow rule/)
      assert.equal((await connect('guarded', `${host}:${port}`)).status, 403, host)
    }
  })

  test('a rule opens the name it names and no other', async () => {
    assert.equal((await ask('allowed', `app.localhost:${app.port}`)).status, 200)
    assert.equal((await ask('allowed', `other.localhost:${app.port}`)).status, 403)
    assert.equal((await ask('allowed', `127.0.0.1:${app.port}`)).status, 403)
    assert.equal((await ask('allowed', `app.localhost:${app.port + 1}`)).status, 403)
  })

  test('with only_allowed other names are not even looked up', async () => {
    const before = await proxy.stat('dns_cache.names.dns_query_attempt')
    const answer = await ask('open', 'secret-in-a-name.invalid', '/lonely')
    assert.equal(answer.status, 403)
    assert.match(answer.body, /is named by no allow rule/)
    assert.equal(await proxy.stat('dns_cache.names.dns_query_attempt'), before)
  })
})

describe('original destination', () => {
  const headed = (value: string): Promise<Reply> =>
    ask('original', 'a.example', '/o', `x-envoy-original-dst-host: ${value}\r\n`)

  test('the header names the address', async () => {
    assert.equal((await headed(`127.0.0.1:${app.port}`)).body, 'a.example /o')
    const { status, body } = await connect('original', `127.0.0.1:${app.port}`)
    assert.equal(status, 200)
    assert.match(body, /inner \/through/)
  })

  test('without a usable address the answer is 503 and says what is missing', async () => {
    const answer = await headed(`localhost:${app.port}`)
    assert.equal(answer.status, 503)
    assert.match(answer.body, /which is no ip:port, and the connection has no original destination/)
    assert.equal(await proxy.stat('cluster.header.original_dst_host_invalid'), 1)
    assert.equal((await ask('original', 'a.example')).status, 503)
    assert.equal((await connect('original', `localhost:${app.port}`)).status, 503)
  })
})
