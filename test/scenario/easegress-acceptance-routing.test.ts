// Acceptance cases of the Easegress dialect, 6 to 13: which pool, which server, which path, by the real program before
// three servers that tell who they are.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { type Fields, handshake, page, PLAIN, startEasegress, status } from '../support/easegress-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { until } from '../support/waiting.ts'

let apps: readonly EchoApp[]
let mortal: EchoApp
let proxy: ProxyProcess
let port: number

before(async () => {
  apps = await Promise.all([startEchoApp(), startEchoApp(), startEchoApp()])
  mortal = await startEchoApp()
  proxy = await startEasegress(objects())
  port = proxy.port('web')
})

after(async () => {
  await proxy.stop()
  await Promise.all([...apps, mortal].map((app) => app.stop()))
  await nothingLeft()
})

const POOLS: Readonly<Record<string, () => string>> = {
  'in-turn': () => servers(''),
  'any-word': () => servers('    loadBalance: {policy: roundRobbin}'),
  weighted: () => servers('    loadBalance: {policy: weightedRandom}', [1, 2, 7]),
  unweighted: () => servers('    loadBalance: {policy: weightedRandom}'),
  'by-ip': () => servers('    loadBalance: {policy: ipHash}'),
  'by-header': () => servers('    loadBalance: {policy: headerHash, headerHashKey: X-User}'),
  'by-cookie': () => servers('    loadBalance: {policy: cookieHash}'),
  'app-cookie': () => servers('    loadBalance: {stickySession: {mode: CookieConsistentHash, appCookieName: user}}'),
  candidates: () => `
  - servers: [{url: "ws://127.0.0.1:${apps[1]?.port}"}]
    filter: {headers: {X-Test: {exact: testheader}}}
  - servers: [{url: "ws://127.0.0.1:${apps[0]?.port}"}]
  - servers: [{url: "ws://127.0.0.1:${apps[2]?.port}"}]
    filter: {headers: {X-Test: {prefix: stre}}}`,
  sticky: () => `
  - servers:
    - url: ws://127.0.0.1:${apps[0]?.port}
    - url: ws://127.0.0.1:${mortal.port}
    loadBalance: {stickySession: {mode: DurationBased}}
    healthCheck: {interval: 100ms, timeout: 1s, http: {uri: /up}}`,
  base: () => `
  - servers: [{url: "ws://127.0.0.1:${apps[0]?.port}/base"}]`,
}

const servers = (more: string, weights: readonly number[] = []): string => `
  - servers:${apps.map((app, i) => `\n    - {url: "ws://127.0.0.1:${app.port}"${weights[i] ? `, weight: ${weights[i]}` : ''}}`).join('')}
${more}`

const objects = (): string => `
${Object.entries(POOLS)
  .map(
    ([name, pools]) => `
name: ${name}
kind: Pipeline
filters:
- kind: WebSocketProxy
  name: ws
  pools:${pools()}
---`,
  )
  .join('')}
name: web
kind: HTTPServer
port: 8080
rules:
- host: rules.example
  paths:
  - {path: /ws, backend: in-turn}
  - {pathPrefix: /pre, rewriteTarget: /chat, backend: in-turn}
  - {path: /get, methods: [GET], backend: in-turn}
  - {path: /post, methods: [POST], backend: in-turn}
  - {path: /header, headers: [{key: X-A, values: [a]}], backend: in-turn}
  - {path: /query, queries: [{key: a, values: [b]}], backend: in-turn}
  - {path: /blocked, ipFilter: {blockIPs: [127.0.0.0/8]}, backend: in-turn}
  - {path: /missing, backend: nobody}
- paths:
${Object.keys(POOLS)
  .map((name) => `  - {pathPrefix: /${name}/, backend: ${name}}`)
  .join('\n')}
`

let visits = 0

/** Which of the three servers took a handshake for that pool. */
async function taken(pool: string, fields?: Fields): Promise<number> {
  const path = `/${pool}/${++visits}`
  assert.equal(await status(port, path, fields), 101)
  return until(() => found(path), { what: `a visit of ${path}`, ms: 5000 })
}

function found(path: string): number | undefined {
  const index = apps.findIndex((app) => app.visits.some((visit) => visit.path === path))
  return index < 0 ? undefined : index
}

/** How many of `count` handshakes each server took. */
async function shares(pool: string, count: number, fields?: (i: number) => Fields): Promise<readonly number[]> {
  const shares = [0, 0, 0]
  for (let i = 0; i < count; i++) {
    const index = await taken(pool, fields?.(i))
    shares[index] = (shares[index] ?? 0) + 1
  }
  return shares
}

describe('Easegress', () => {
  test('case 6: candidate pools by header, else the main one', async () => {
    assert.equal(await taken('candidates', { 'X-Test': 'testheader' }), 1)
    assert.equal(await taken('candidates', { 'X-Test': 'stream' }), 2)
    assert.equal(await taken('candidates'), 0)
    assert.equal(await taken('candidates', { 'X-Test': 'other' }), 0)
  })

  test('case 7: the servers in turn, also by a policy that does not exist, with a warning', async () => {
    for (const pool of ['in-turn', 'any-word']) {
      const order: number[] = []
      for (let i = 0; i < 9; i++) order.push(await taken(pool))
      assert.deepEqual(order, [0, 1, 2, 0, 1, 2, 0, 1, 2], pool)
    }
    assert.match(proxy.output(), /warning: there is no policy "roundRobbin"/)
    assert.match(proxy.output(), /did you mean roundRobin\?/)
  })

  test('case 8: by weight, or evenly without weights', async () => {
    // The bounds are six standard deviations wide; 10,000 picks are in test/unit/cluster/balance/pickers.test.ts.
    const [one = 0, two = 0, seven = 0] = await shares('weighted', 500)
    assert.ok(Math.abs(one - 50) <= 40 && Math.abs(two - 100) <= 54 && Math.abs(seven - 350) <= 61, `${one} ${two}`)
    for (const share of await shares('unweighted', 120)) assert.ok(share >= 10, `${share} of 120`)
  })

  test('case 9: a hash of the client, of a header, or of the cookies stays with one server', async () => {
    for (const [pool, fields] of [
      ['by-ip', (i: number) => ({ 'X-Real-Ip': `10.0.0.${i}` })],
      ['by-header', (i: number) => ({ 'X-User': `user ${i}` })],
      ['by-cookie', (i: number) => ({ Cookie: `a=${i}` })],
      ['app-cookie', (i: number) => ({ Cookie: `user=${i}; other=${i % 3}` })],
    ] as const) {
      const same = await shares(pool, 100, () => fields(1))
      assert.deepEqual(
        [...same].sort((a, b) => a - b),
        [0, 0, 100],
        pool,
      )
      for (const share of await shares(pool, 60, fields)) assert.ok(share > 0, `${pool} reaches every server`)
    }
  })

  test('case 10: the cookie of a sticky session is on the 101, and leads back while that server is healthy', async () => {
    const first = await sticky()
    const second = await sticky()
    const [mine, other] = first.app === mortal ? [first, second] : [second, first]
    assert.ok(mine.app === mortal && other.app === apps[0], 'new sessions go round')
    assert.match(mine.cookie, /^EG_SESSION=[^;]+;.*max-age=7200/i)
    const fields = { Cookie: mine.cookie.split(';', 1)[0] ?? '' }
    for (let i = 0; i < 100; i++) assert.ok((await sticky(fields)).app === mortal)
    await mortal.stop()
    const moved = await until(
      async () => {
        if ((await status(port, '/sticky/again', fields)) !== 101) return undefined
        const { app, cookie } = await sticky(fields)
        return app === apps[0] ? cookie : undefined
      },
      { what: 'the session to move', ms: 10_000 },
    )
    assert.match(moved, /^EG_SESSION=/)
    assert.notEqual(moved.split(';', 1)[0], fields.Cookie)
  })

  test('case 11: exact paths, raw prefixes, and rewritten targets', async () => {
    const rules = { Host: 'rules.example' }
    assert.equal(await status(port, '/ws', rules), 101)
    assert.equal(await status(port, '/wsx', rules), 404)
    assert.equal(await status(port, '/prefix', rules), 101)
    assert.equal(await status(port, '/pre/a?b=1', rules), 101)
    await until(() => found('/chat/a?b=1'), { what: 'the rewritten path' })
    assert.match(proxy.output(), /warning: the prefix is compared letter by letter: "\/pre" takes "\/prex", too/)
  })

  test('case 12: the path of a server’s url is not used for requests', async () => {
    assert.equal(await status(port, '/base/room'), 101)
    await until(() => found('/base/room'), { what: 'the path as the client asked for it' })
    assert.match(proxy.output(), /warning: "\/base" of the url is not used for requests/)
  })

  test('case 13: each near miss has its status', async () => {
    const rules = { Host: 'rules.example', ...PLAIN }
    assert.equal(await status(port, '/post', rules), 405)
    assert.equal(await status(port, '/header', rules), 400)
    assert.equal(await status(port, '/header', { ...rules, 'X-A': 'b' }), 400)
    assert.equal(await status(port, '/query?a=c', rules), 400)
    assert.equal(await status(port, '/blocked', rules), 403)
    assert.equal(await status(port, '/nowhere', rules), 404)
    assert.equal(await status(port, '/missing', rules), 503)
    // By name of the host with whatever port; what does not match goes on to the next rule.
    assert.equal(await status(port, '/ws', { Host: 'rules.example:8080' }), 101)
    assert.equal(await status(port, '/ws', { Host: 'other.example' }), 404)
  })

  test('two pipelines whose filters have one name are two clusters in the status', async () => {
    const of = async (name: string): Promise<unknown> => page(proxy, `/apis/v2/status/objects/${name}`)
    const counted = JSON.stringify(await of('candidates'))
    assert.match(counted, /"filters":\{"ws":\{"candidatePools":\[\{"stat":\{"count":1,.*\{"stat":\{"count":1,/)
    assert.match(counted, /"mainPool":\{"stat":\{"count":2,/)
    assert.match(JSON.stringify(await of('any-word')), /"mainPool":\{"stat":\{"count":9,/)
  })
})

async function sticky(fields: Fields = {}): Promise<{ readonly app: EchoApp | undefined; readonly cookie: string }> {
  const path = `/sticky/${++visits}`
  const { status: code, headers } = await handshake(port, path, fields)
  assert.equal(code, 101)
  const app = await until(() => [...apps, mortal].find((each) => each.visits.some((visit) => visit.path === path)), {
    what: `a visit of ${path}`,
    ms: 5000,
  })
  return { app, cookie: headers.get('set-cookie') ?? '' }
}
