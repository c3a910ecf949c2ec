// Acceptance cases of the Easegress dialect, 36 to 38, and the pages under /apis/v2: what is logged and counted, live and
// at the end, how many connections are taken, and that no secret is shown. With several workers, too.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { handshake, handshakeText, page, PLAIN, startEasegress, status } from '../support/easegress-world.ts'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { type RawClient, rawClient } from '../support/raw-client.ts'
import { delay, until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const SECRETS = ['c2VjcmV0LWp3dA', '7365637265742d6a7774', 'probe-password', 'Bearer probe-token']

let app: EchoApp
let proxy: ProxyProcess
let port: number
let keys: readonly string[]
const folder = mkdtempSync(join(tmpdir(), 'sluice-easegress-'))

before(async () => {
  app = await startEchoApp({ deflate: false })
  const leaf = await (await authority()).issue({ name: 'front' })
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
  keys = [base64(leaf.key), leaf.key.split('\n')[1] ?? '']
  const users = join(folder, 'users')
  writeFileSync(users, `ann:{SHA}${createHash('sha1').update('right').digest('base64')}\n`)
  proxy = await startEasegress(
    `
name: chat
kind: Pipeline
filters:
- kind: WebSocketProxy
  name: ws
  pools:
  - servers: [{url: "ws://127.0.0.1:${app.port}"}]
    healthCheck:
      interval: 60s
      http: {uri: /up, username: probe, password: probe-password, headers: {Authorization: Bearer probe-token}}
---
name: guarded
kind: Pipeline
filters:
- {kind: Validator, name: token, jwt: {algorithm: HS256, secret: 7365637265742d6a7774}}
- {kind: Validator, name: user, basicAuth: {mode: FILE, userFile: "${users}"}}
- {kind: Mock, name: mock, rules: [{code: 200}]}
---
name: web
kind: HTTPServer
port: 8080
rules:
- paths:
  - {path: /guarded, backend: guarded}
  - {path: /ws, backend: chat}
---
name: two
kind: HTTPServer
port: 8081
maxConnections: 2
rules:
- paths: [{backend: chat}]
---
name: secure
kind: HTTPServer
port: 8443
https: true
certs: {front: ${JSON.stringify(leaf.certificate)}}
keys: {front: ${JSON.stringify(leaf.key)}}
certBase64: ${base64(leaf.certificate)}
keyBase64: ${base64(leaf.key)}
rules:
- paths: [{backend: chat}]
`,
    { ports: [8080, 8081, 8443] },
  )
  port = proxy.port('web')
})

after(async () => {
  await proxy.stop()
  await app.stop()
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

/** Samples of one series, by the value of their label httpServerName. */
async function series(name: string): Promise<Readonly<Record<string, number>>> {
  const { body } = await proxy.admin('/apis/v2/metrics')
  const lines = body.matchAll(new RegExp(`^${name}\\{.*httpServerName="([^"]*)".*\\} (\\S+)$`, 'gm'))
  return Object.fromEntries([...lines].map(([, server = '', value]) => [server, Number(value)]))
}

async function assertThirdWaits([first, second, third]: readonly RawClient[]): Promise<void> {
  assert.equal((await first?.answer())?.status, 101)
  assert.equal((await second?.answer())?.status, 101)
  const answer = third?.answer()
  const early = await Promise.race([answer?.then(({ status: code }) => `answered with ${code}`), delay(500)])
  assert.equal(early, undefined)
  await proxy.statBecomes('listener.two.downstream_cx_waiting', 1)
  first?.close()
  assert.equal((await answer)?.status, 101)
  await proxy.statBecomes('listener.two.downstream_cx_waited', 1)
  await proxy.statBecomes('listener.two.downstream_cx_waiting', 0)
}

describe('Easegress', () => {
  test('case 36: one access-log line for a session, when it has ended, with its payload', async () => {
    const began = performance.now()
    const client = await webSocket({ protocol: 'http1', port, path: '/ws' })
    const visit = await app.visit('/ws')
    visit.socket.removeAllListeners('message')
    for (let i = 0; i < 3; i++) client.socket.send('0123456789')
    for (let i = 0; i < 2; i++) visit.socket.send('01234')
    await client.next()
    await client.next()
    assert.equal((await series('httpserver_active_upgrades'))['web'], 1)
    await delay(2000 - (performance.now() - began))
    assert.doesNotMatch(proxy.output(), /GET \/ws /)
    await client.close()
    const line = await until(() => /^.*GET \/ws .*$/m.exec(proxy.output())?.[0], { what: 'the line', ms: 5000 })
    const [, code, ms, rx, tx] = / HTTP\/1\.1 (\d+)\] \[(\d+)ms rx:(\d+)B tx:(\d+)B\] /.exec(line) ?? []
    assert.deepEqual([code, rx, tx], ['101', '30', '10'], line)
    assert.ok(Number(ms) >= 1900 && Number(ms) < 7000, line)
    await until(async () => ((await series('httpserver_active_upgrades'))['web'] === 0 ? true : undefined), {
      what: 'the gauge to go down',
    })
    assert.equal(proxy.output().match(/GET \/ws /g)?.length, 1)
  })

  test('case 37: requests, upgrades and errors are counted', async () => {
    const before = await series('httpserver_total_requests')
    const errors = await series('httpserver_total_error_requests')
    const upgrades = await proxy.stat('http.web.downstream_cx_upgrades_total')
    const client = await webSocket({ protocol: 'http1', port, path: '/ws' })
    assert.equal(await proxy.stat('http.web.downstream_cx_upgrades_total'), upgrades + 1)
    await client.close()
    assert.equal(await status(port, '/nowhere'), 404)
    assert.equal(await status(port, '/ws', { Origin: 'http://evil.test' }), 403)
    assert.equal(await status(port, '/guarded', PLAIN), 401)
    await until(
      async () => {
        const [now, wrong] = [
          await series('httpserver_total_requests'),
          await series('httpserver_total_error_requests'),
        ]
        return now['web'] === (before['web'] ?? 0) + 4 && wrong['web'] === (errors['web'] ?? 0) + 3 ? true : undefined
      },
      { what: 'four requests, three of them errors' },
    )
    assert.equal((await series('httpserver_health'))['web'], 1)
  })

  test('case 38: with maxConnections 2 a third connection waits until one closes', async () => {
    const clients: RawClient[] = []
    try {
      for (let i = 0; i < 3; i++) {
        const client = await rawClient(proxy.port('two'))
        client.write(handshakeText('/'))
        clients.push(client)
      }
      await assertThirdWaits(clients)
    } finally {
      for (const client of clients) client.close()
    }
  })

  test('objects are shown as they were read, without their secrets', async () => {
    const { body } = await proxy.admin('/apis/v2/objects')
    const objects: readonly { readonly name: string }[] = JSON.parse(body)
    assert.deepEqual(
      objects.map(({ name }) => name),
      ['chat', 'guarded', 'web', 'two', 'secure'],
    )
    const chat = JSON.stringify(await page(proxy, '/apis/v2/objects/chat'))
    assert.match(chat, /"password":"\[redacted\]"/)
    assert.match(chat, new RegExp(`ws://127.0.0.1:${app.port}`))
    assert.match(JSON.stringify(await page(proxy, '/apis/v2/objects/secure')), /"keys":\{"front":"\[redacted\]"\}/)
    assert.equal((await proxy.admin('/apis/v2/objects/nobody')).status, 404)
    for (const path of ['/apis/v2/objects', '/config_dump', '/apis/v2/status/objects', '/clusters', '/certs']) {
      const { body: shown } = await proxy.admin(path)
      for (const secret of [...SECRETS, ...keys, 'PRIVATE KEY'])
        assert.ok(!shown.includes(secret), `${path} must not show ${secret.slice(0, 16)}…`)
    }
  })

  test('the status tells live sessions and the health of each server', async () => {
    const client = await webSocket({ protocol: 'http1', port, path: '/ws' })
    const live = /"activeSessions":1,"servers":\[\{"address":"127\.0\.0\.1:\d+","healthy":true,/
    // Sessions of the case before may take a moment to end.
    await until(
      async () => (live.test(JSON.stringify(await page(proxy, '/apis/v2/status/objects/chat'))) ? true : undefined),
      { what: 'one live session' },
    )
    const web = JSON.stringify(await page(proxy, '/apis/v2/status/objects/web'))
    assert.match(web, /"state":"running".*"activeUpgrades":1/)
    const all = JSON.stringify(await page(proxy, '/apis/v2/status/objects'))
    for (const name of ['chat', 'guarded', 'web', 'two', 'secure']) assert.match(all, new RegExp(`"${name}":\\{`))
    assert.equal((await proxy.admin('/apis/v2/status/objects/nobody')).status, 404)
    await client.close()
  })

  test('health and metrics are where Easegress and Prometheus look for them', async () => {
    for (const path of ['/apis/v2/healthz', '/healthz']) assert.equal((await proxy.admin(path)).status, 200)
    const { body } = await proxy.admin('/metrics')
    assert.match(body, /^httpserver_total_requests\{clusterName="[^"]+",clusterRole="[^"]+",instanceName="[^"]+",/m)
    assert.match(body, /^httpserver_requests_duration_bucket\{.*le="\+Inf"\} \d+$/m)
  })
})

describe('Easegress with two workers', () => {
  test('serves on one port, and the pages show both', async () => {
    const fleet = await startEasegress(
      `
name: chat
kind: Pipeline
filters:
- {kind: WebSocketProxy, name: ws, pools: [{servers: [{url: "ws://127.0.0.1:${app.port}"}], loadBalance: {stickySession: {mode: DurationBased}}}]}
---
name: web
kind: HTTPServer
port: 8080
rules: [{paths: [{backend: chat}]}]
`,
      { args: ['--concurrency', '2'] },
    )
    const clients = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        webSocket({ protocol: 'http1', port: fleet.port('web'), path: `/fleet/${i}` }),
      ),
    )
    for (const [i, client] of clients.entries()) {
      client.socket.send(`hello ${i}`)
      assert.equal(String((await client.next()).data), `hello ${i}`)
    }
    assert.equal((await fleet.tunnels()).length, 12)
    await until(
      async () =>
        JSON.stringify(await page(fleet, '/apis/v2/status/objects/web')).includes('"activeUpgrades":12')
          ? true
          : undefined,
      { what: 'twelve live sessions in the status of both workers' },
    )
    const chat = JSON.stringify(await page(fleet, '/apis/v2/status/objects/chat'))
    assert.match(chat, /"activeSessions":12,"servers":\[\{"address":"127\.0\.0\.1:\d+","healthy":true,/)
    assert.match(JSON.stringify(await page(fleet, '/apis/v2/objects')), /WebSocketProxy/)
    for (const client of clients) await client.close()
    const sticky = await handshake(fleet.port('web'), '/sticky')
    assert.match(sticky.headers.get('set-cookie') ?? '', /^EG_SESSION=/)
    await fleet.stop()
  })
})
