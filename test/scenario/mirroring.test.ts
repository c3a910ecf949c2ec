// Requests that are mirrored: one copy for each mirror, complete, under its own head; and a client that never notices.

import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { bootstrap, cluster, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { type ScriptedApp, type SeenRequest, startScriptedApp } from '../support/scripted-app.ts'
import { delay, until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const LIMIT = 64 * 1024
const mirrors = (...policies: readonly YamlMap[]): YamlMap => ({ request_mirror_policies: policies })
const percent = (numerator: number): YamlMap => ({ runtime_fraction: { default_value: { numerator } } })
const PLAIN = { cluster: 'first-mirror' }

const ROUTES: readonly YamlMap[] = [
  route('/one', 'app', mirrors(PLAIN)),
  route('/two', 'app', mirrors(PLAIN, { cluster: 'second-mirror' })),
  route(
    '/changed',
    'app',
    mirrors(
      {
        cluster: 'first-mirror',
        disable_shadow_host_suffix_append: true,
        request_headers_mutations: [
          { append: { header: { key: 'x-copy', value: 'copied' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } },
          { remove: 'x-secret' },
        ],
      },
      { cluster: 'second-mirror', host_rewrite_literal: 'mirror.example' },
    ),
  ),
  route('/named', 'app', mirrors({ cluster_header: 'x-mirror' })),
  route('/some', 'app', mirrors({ ...PLAIN, ...percent(30) })),
  route('/never', 'app', mirrors({ ...PLAIN, ...percent(0) })),
  route('/hangs', 'app', mirrors(PLAIN)),
  route('/dies', 'app', mirrors(PLAIN)),
  route('/gone', 'app', mirrors({ cluster: 'nobody' })),
  route('/ws', 'app', mirrors(PLAIN)),
  route('/large', 'app', mirrors(PLAIN)),
  route('/again', 'app', {
    ...mirrors(PLAIN),
    retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s' } },
  }),
]

let app: ScriptedApp
let first: ScriptedApp
let second: ScriptedApp
let proxy: ProxyProcess

before(async () => {
  app = await startScriptedApp({ '/ws': ['accept'], '/again': [{ status: 503 }, { status: 200 }] })
  first = await startScriptedApp({ '/hangs': ['hang'], '/dies': ['reset'], '/one': [{ status: 500, body: 'mirror' }] })
  second = await startScriptedApp()
  proxy = await startProxy(
    bootstrap(
      [
        listener({ name: 'web', routes: ROUTES, more: { per_connection_buffer_limit_bytes: LIMIT } }),
        listener({
          name: 'host',
          routes: [],
          hcm: {
            route_config: {
              virtual_hosts: [
                { name: 'all', domains: ['*'], routes: [route('/', 'app')], ...mirrors({ cluster: 'second-mirror' }) },
              ],
            },
          },
        }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'first-mirror', port: first.port }),
        cluster({ name: 'second-mirror', port: second.port }),
        cluster({ name: 'nobody', port: 1 }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await first.stop()
  await second.stop()
  await nothingLeft()
})

interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: readonly string[]
  readonly listener?: string
}

function ask(path: string, { headers = {}, body, listener: name = 'web' }: Asked = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const request = httpRequest({ port: proxy.port(name), path, method, headers, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', reject)
    for (const piece of body ?? []) request.write(piece)
    request.end()
  })
}

/** The copies of `path` once there are `count`, and a moment later still no more. */
async function copies(mirror: ScriptedApp, path: string, count: number): Promise<readonly SeenRequest[]> {
  const complete = (): boolean => mirror.seen(path).filter((request) => request.complete).length >= count
  await until(() => (complete() ? true : undefined), { what: `${count} copies of ${path}` })
  await delay(50)
  assert.equal(mirror.seen(path).length, count)
  return mirror.seen(path)
}

describe('a mirrored request', () => {
  test('reaches its mirror once, with its body and a host of its own, whatever the mirror answers', async () => {
    const headers = { host: 'app.example:8080', 'x-id': '7' }
    assert.equal(await ask('/one', { headers, body: ['first ', 'second'] }), 200)
    const [copy] = await copies(first, '/one', 1)
    assert.deepEqual(
      [copy?.method, copy?.body, copy?.headers.host, copy?.headers['x-id']],
      ['POST', 'first second', 'app.example-shadow:8080', '7'],
    )
    assert.equal(app.seen('/one')[0]?.headers.host, 'app.example:8080')
    assert.equal(await proxy.stat('cluster.first-mirror.upstream_rq_500'), 1)
    assert.equal(await proxy.stat('cluster.first-mirror.upstream_rq_active'), 0)
  })

  test('reaches each of its mirrors once', async () => {
    assert.equal(await ask('/two'), 200)
    await copies(first, '/two', 1)
    await copies(second, '/two', 1)
  })

  test('shows each mirror the head that its policy makes, and the upstream its own', async () => {
    assert.equal(await ask('/changed', { headers: { host: 'app.example', 'x-secret': 's' } }), 200)
    const [one] = await copies(first, '/changed', 1)
    const [two] = await copies(second, '/changed', 1)
    const [own] = app.seen('/changed')
    const told = (seen?: SeenRequest): readonly unknown[] => [
      seen?.headers.host,
      seen?.headers['x-copy'],
      seen?.headers['x-secret'],
    ]
    assert.deepEqual(told(one), ['app.example', 'copied', undefined])
    assert.deepEqual(told(two), ['mirror.example', undefined, 's'])
    assert.deepEqual(told(own), ['app.example', undefined, 's'])
  })

  test('goes where its header says, or nowhere', async () => {
    assert.equal(await ask('/named', { headers: { 'x-mirror': 'second-mirror' } }), 200)
    assert.equal(await ask('/named', { headers: { 'x-mirror': 'unknown' } }), 200)
    assert.equal(await ask('/named'), 200)
    await copies(second, '/named', 1)
  })

  test('is mirrored in its share', async () => {
    for (let i = 0; i < 200; i++) assert.equal(await ask('/some'), 200)
    const { length } = first.seen('/some')
    // 60 expected; six standard deviations either way.
    assert.ok(length > 20 && length < 100, `${length} of 200`)
    assert.equal(await ask('/never'), 200)
    assert.equal(first.seen('/never').length, 0)
  })

  test('is answered though its mirror hangs, dies or is not there', async () => {
    for (const path of ['/hangs', '/dies', '/gone']) assert.equal(await ask(path), 200, path)
    await copies(first, '/hangs', 1)
    await copies(first, '/dies', 1)
  })

  test('is not mirrored when its body is too large to be kept', async () => {
    const abandoned = await proxy.stat('cluster.app.retry_or_shadow_abandoned')
    const piece = 'x'.repeat(LIMIT)
    assert.equal(await ask('/large', { body: [piece, piece] }), 200)
    assert.equal(app.seen('/large')[0]?.body.length, 2 * LIMIT)
    assert.equal((await proxy.stat('cluster.app.retry_or_shadow_abandoned')) - abandoned, 1)
    await delay(50)
    assert.equal(first.seen('/large').length, 0)
  })

  test('is mirrored once though it is tried twice', async () => {
    assert.equal(await ask('/again', { body: ['once'] }), 200)
    assert.equal(app.seen('/again').length, 2)
    const [copy] = await copies(first, '/again', 1)
    assert.equal(copy?.body, 'once')
  })

  test('has the mirrors of its virtual host when its route has none', async () => {
    assert.equal(await ask('/host', { listener: 'host' }), 200)
    await copies(second, '/host', 1)
  })
})

test('a WebSocket is never mirrored', async () => {
  const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/ws' })
  client.socket.send('hello')
  assert.equal((await client.next()).data.toString(), 'hello')
  client.socket.close()
  await client.closed
  await delay(50)
  assert.equal(first.seen('/ws').length, 0)
})
