// Requests and upgrades on their way through route tables: matches, rewrites, header mutations, weighted clusters, answers
// of the proxy itself. What the application received is what counts.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bootstrap, cluster, endpoint, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { type RawAnswer, rawClient } from '../support/raw-client.ts'
import { type AppTunnel, startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'

const add = (key: string, value: string, append_action = 'OVERWRITE_IF_EXISTS_OR_ADD'): YamlMap => ({
  header: { key, value },
  append_action,
})

let first: TunnelApp
let second: TunnelApp
let proxy: ProxyProcess

const ROUTES: readonly YamlMap[] = [
  route('/prefix/', 'first', { prefix_rewrite: '/new/', host_rewrite_literal: 'inner.example' }),
  {
    match: { safe_regex: { regex: '/user/\\d+' } },
    route: {
      cluster: 'first',
      regex_rewrite: { pattern: { regex: '^/user/(\\d+)' }, substitution: '/u?id=\\1' },
    },
  },
  { match: { path_separated_prefix: '/whole' }, route: { cluster: 'second' } },
  {
    match: { prefix: '/by-header', headers: [{ name: 'x-to', string_match: { exact: 'second' } }] },
    route: { cluster: 'second' },
  },
  route('/by-header', 'first'),
  {
    match: { prefix: '/by-query', query_parameters: [{ name: 'to', string_match: { exact: 'second' } }] },
    route: { cluster: 'second' },
  },
  route('/by-query', 'first'),
  route(
    '/headers',
    'first',
    {},
    {
      request_headers_to_add: [
        add('x-set', 'from %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'),
        add('x-more', 'two', 'APPEND_IF_EXISTS_OR_ADD'),
      ],
      request_headers_to_remove: ['x-secret'],
      response_headers_to_add: [add('x-answer', '%UPSTREAM_CLUSTER%')],
      response_headers_to_remove: ['x-app'],
    },
  ),
  {
    match: { prefix: '/weighted' },
    route: {
      weighted_clusters: {
        clusters: [
          { name: 'first', weight: 3 },
          { name: 'second', weight: 1 },
        ],
      },
    },
  },
  {
    match: { prefix: '/never' },
    route: {
      weighted_clusters: {
        clusters: [
          { name: 'first', weight: 0 },
          { name: 'second', weight: 5 },
        ],
      },
    },
  },
  { match: { prefix: '/named' }, route: { cluster_header: 'x-cluster' } },
  { match: { prefix: '/robin' }, route: { cluster: 'both' } },
  { match: { prefix: '/direct' }, direct_response: { status: 418, body: { inline_string: 'short and stout' } } },
  { match: { prefix: '/https' }, redirect: { https_redirect: true, response_code: 'PERMANENT_REDIRECT' } },
  {
    match: { prefix: '/elsewhere' },
    redirect: { host_redirect: 'other.example', prefix_rewrite: '/there', strip_query: true },
  },
]

before(async () => {
  const answer = (tunnel: AppTunnel): string =>
    tunnel.headers.has('upgrade')
      ? 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: foo\r\nx-app: yes\r\n\r\n'
      : 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\nx-app: yes\r\n\r\n'
  first = await startTunnelApp(answer)
  second = await startTunnelApp(answer)
  const both = cluster({ name: 'both', port: first.port })
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes: ROUTES, upgrades: [{ upgrade_type: 'foo' }] })],
      [
        cluster({ name: 'first', port: first.port }),
        cluster({ name: 'second', port: second.port }),
        {
          ...both,
          load_assignment: {
            cluster_name: 'both',
            endpoints: [{ lb_endpoints: [endpoint(first.port), endpoint(second.port)] }],
          },
        },
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await first.stop()
  await second.stop()
  await nothingLeft()
})

let count = 0

/** Asks once with a header of its own and finds it at the application it went to. */
async function ask(
  path: string,
  headers = '',
  upgrade = false,
): Promise<{ answer: RawAnswer; seen: AppTunnel | undefined; app: string }> {
  const mark = `m${++count}`
  const client = await rawClient(proxy.port('web'))
  const kind = upgrade ? 'connection: upgrade\r\nupgrade: foo\r\n' : 'connection: close\r\n'
  client.write(`GET ${path} HTTP/1.1\r\nhost: outer.example\r\nx-mark: ${mark}\r\n${kind}${headers}\r\n`)
  const answer = await client.answer()
  client.close()
  const at = (app: TunnelApp): AppTunnel | undefined =>
    app.tunnels.find((tunnel) => tunnel.headers.get('x-mark') === mark)
  const seen = at(first) ?? at(second)
  return { answer, seen, app: at(first) === undefined ? (seen === undefined ? 'none' : 'second') : 'first' }
}

for (const [what, upgrade, status] of [
  ['a request', false, 200],
  ['an upgrade', true, 101],
] as const) {
  describe(`${what} on its route`, () => {
    test('has its prefix and host rewritten and keeps its query', async () => {
      const { answer, seen } = await ask('/prefix/a/b?q=1', '', upgrade)
      assert.equal(answer.status, status)
      assert.deepEqual([seen?.path, seen?.headers.get('host')], ['/new/a/b?q=1', 'inner.example'])
      assert.equal(seen?.headers.get('x-envoy-original-path'), '/prefix/a/b?q=1')
    })

    test('has its path rewritten by a regular expression that matched whole', async () => {
      assert.equal((await ask('/user/42', '', upgrade)).seen?.path, '/u?id=42')
      assert.equal((await ask('/user/42/x', '', upgrade)).answer.status, 404)
    })

    test('matches a prefix only at a slash where that is asked for', async () => {
      assert.equal((await ask('/whole/x', '', upgrade)).app, 'second')
      assert.equal((await ask('/wholesome', '', upgrade)).answer.status, 404)
    })

    test('goes by its headers and its query', async () => {
      assert.equal((await ask('/by-header', 'x-to: second\r\n', upgrade)).app, 'second')
      assert.equal((await ask('/by-header', 'x-to: Second\r\n', upgrade)).app, 'first')
      assert.equal((await ask('/by-query?a=b&to=second', '', upgrade)).app, 'second')
      assert.equal((await ask('/by-query?to=seconds', '', upgrade)).app, 'first')
    })

    test('has headers set, added and removed on both ways', async () => {
      const { answer, seen } = await ask('/headers', 'x-more: one\r\nx-secret: 1\r\nx-set: forged\r\n', upgrade)
      assert.deepEqual(
        [seen?.headers.get('x-set'), seen?.headers.get('x-more'), seen?.headers.get('x-secret')],
        ['from 127.0.0.1', 'one, two', undefined],
      )
      assert.deepEqual([answer.headers.get('x-answer'), answer.headers.get('x-app')], ['first', undefined])
    })

    test('goes to the clusters by weight, and never to one of weight 0', async () => {
      const apps = new Set<string>()
      for (let i = 0; i < 60 && apps.size < 2; i++) apps.add((await ask('/weighted', '', upgrade)).app)
      assert.deepEqual([...apps].toSorted(), ['first', 'second'])
      for (let i = 0; i < 10; i++) assert.equal((await ask('/never', '', upgrade)).app, 'second')
    })

    test('goes to the cluster a header names; one that does not exist is 503', async () => {
      assert.equal((await ask('/named', 'x-cluster: second\r\n', upgrade)).app, 'second')
      const missing = await ask('/named', 'x-cluster: no-such\r\n', upgrade)
      assert.equal(missing.answer.status, 503)
      assert.match(missing.answer.headers.get('x-sluice-reason') ?? '', /^cluster_not_found; .*no-such/)
    })

    test('takes its turn among endpoints', async () => {
      const turns: string[] = []
      for (let i = 0; i < 6; i++) turns.push((await ask('/robin', '', upgrade)).app)
      assert.equal(turns.filter((app) => app === 'first').length, 3, turns.join(' '))
    })

    test('is answered or redirected by the proxy itself', async () => {
      assert.equal((await ask('/direct', '', upgrade)).answer.status, 418)
      const https = (await ask('/https/x?y', '', upgrade)).answer
      assert.deepEqual([https.status, https.headers.get('location')], [308, 'https://outer.example/https/x?y'])
      const other = (await ask('/elsewhere/x?y', '', upgrade)).answer
      assert.deepEqual([other.status, other.headers.get('location')], [301, 'http://other.example/there/x'])
    })

    test('reaches the application with what Envoy adds and without what it removes', async () => {
      const { seen } = await ask(
        '/by-header',
        'x-envoy-internal: true\r\nkeep-alive: 5\r\nproxy-connection: x\r\nte: gzip\r\n',
        upgrade,
      )
      assert.match(seen?.headers.get('x-request-id') ?? '', /^[0-9a-f]{8}-/)
      assert.equal(seen?.headers.get('x-forwarded-proto'), 'http')
      for (const name of ['x-envoy-internal', 'keep-alive', 'proxy-connection'])
        assert.equal(seen?.headers.has(name), false, name)
    })
  })
}

test('headers that Connection names do not cross, except Upgrade', async () => {
  const mark = 'nominated'
  const client = await rawClient(proxy.port('web'))
  client.write(
    `GET /by-header HTTP/1.1\r\nhost: a\r\nx-mark: ${mark}\r\nconnection: Upgrade, X-Internal-Auth\r\nupgrade: foo\r\nx-internal-auth: yes\r\n\r\n`,
  )
  assert.equal((await client.answer()).status, 101)
  client.close()
  const seen = first.tunnels.find((tunnel) => tunnel.headers.get('x-mark') === mark)
  assert.deepEqual([seen?.headers.get('upgrade'), seen?.headers.has('x-internal-auth')], ['foo', false])
})

test('an HTTP/2 client gets the same rewrites and mutations on an extended CONNECT', async () => {
  const session = await http2Session(`http://127.0.0.1:${proxy.port('web')}`)
  const { stream, status, headers } = await session.tunnel('/headers/h2', 'foo', { 'x-more': 'one', 'x-secret': '1' })
  const seen = await first.tunnel('/headers/h2')
  assert.deepEqual([status, headers['x-answer'], headers['x-app']], [200, 'first', undefined])
  assert.deepEqual([seen.headers.get('x-more'), seen.headers.has('x-secret')], ['one, two', false])
  stream.close(8)
  await session.close()
})
