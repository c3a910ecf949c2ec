// What a client could do to an Easegress pipeline with one request: keep the proxy busy for ten seconds with a megabyte of
// semicolons in a Cookie field; have a Redirector send visitors to another host by a path with two slashes; keep its own
// value of a field that the proxy sets, by a value that can be none; tell by time which users there are.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, test } from 'node:test'
import bcrypt from 'bcryptjs'
import { HeaderList } from '../../src/codec/header-list.ts'
import type { RequestHead } from '../../src/codec/http-stream.ts'
import { checkBasicAuth } from '../../src/filter/http/pipeline/check-basic-auth.ts'
import { cookieValue } from '../../src/route/cookie.ts'
import { handshake, handshakeText, page, PLAIN, startEasegress } from '../support/easegress-world.ts'
import { nothingLeft } from '../support/leaks.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'

let origin: Server
let proxy: ProxyProcess

before(async () => {
  origin = createServer({ maxHeaderSize: 4 * 1024 * 1024 }, (request, response) => {
    response.setHeader('x-seen', JSON.stringify(request.headers['x-user'] ?? null))
    response.end()
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  const address = origin.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  proxy = await startEasegress(`
name: web
kind: HTTPServer
port: 8080
rules:
- paths:
  - {path: /user, backend: app, setHeaders: {X-User: "$arg_name"}}
  - {path: /sticky, backend: app}
  - {pathPrefix: /, backend: moved}
---
name: app
kind: Pipeline
flow: [{filter: __proto__}]
filters:
- name: __proto__
  kind: Proxy
  pools:
  - servers: [{url: "http://127.0.0.1:${port}"}]
    loadBalance: {policy: roundRobin, stickySession: {mode: CookieConsistentHash, appCookieName: pin}}
---
name: moved
kind: Pipeline
flow: [{filter: redirect}]
filters:
- {name: redirect, kind: Redirector, match: "old", matchPart: uri, replacement: "new"}
`)
})

after(async () => {
  await proxy.stop()
  await new Promise((resolve) => origin.close(resolve))
  await nothingLeft()
})

test('a megabyte of semicolons is looked through once', () => {
  const headers = new HeaderList(['cookie', ';'.repeat(1_000_000)])
  const before = process.cpuUsage()
  assert.equal(cookieValue(headers, 'pin'), undefined)
  const { user, system } = process.cpuUsage(before)
  assert.ok((user + system) / 1e6 < 4, `took ${(user + system) / 1e6} s of CPU`)
})

test('a proxy with sticky cookies answers such a request, and others meanwhile', async () => {
  const flood = await rawClient(proxy.port('web'))
  flood.write(handshakeText('/sticky', { ...PLAIN, Cookie: ';'.repeat(1_000_000) }))
  assert.equal((await handshake(proxy.port('web'), '/user', PLAIN)).status, 200)
  assert.equal((await flood.answer()).status, 200)
  flood.close()
})

test('a Redirector never leads to a host that the path names', async () => {
  for (const [path, location] of [
    ['/old/x', '/new/x'],
    ['//evil.example/old', '/evil.example/new'],
    ['///evil.example/old', '/evil.example/new'],
    ['/old//evil.example', '/new//evil.example'],
  ] as const) {
    const { status, headers } = await handshake(proxy.port('web'), path, PLAIN)
    assert.equal(status, 301, path)
    assert.equal(headers.get('location'), location)
  }
})

test('a field that cannot be set goes: what the client wrote does not pass for it', async () => {
  const seen = async (path: string): Promise<string | undefined> =>
    (await handshake(proxy.port('web'), path, { ...PLAIN, 'X-User': 'admin' })).headers.get('x-seen')
  assert.equal(await seen('/user?name=bob'), '"bob"')
  assert.equal(await seen('/user?name=bob%0d%0aX:1'), 'null')
  assert.equal(await seen('/user?name=%C4%8D%C4%8A'), 'null')
})

test('a filter of any name is shown with its pools, and changes nothing else', async () => {
  await page(proxy, '/apis/v2/status/objects/app')
  const shown = await page(proxy, '/apis/v2/status/objects/app')
  assert.match(JSON.stringify(shown), /"filters":\{"__proto__":\{"candidatePools":\[\],"mainPool":\{/)
})

test('an unknown user costs the work of a known one, whatever the scheme of the first entry', async () => {
  const users = new Map([
    ['plain', 'secret'],
    ['slow', await bcrypt.hash('right', 10)],
  ])
  const check = checkBasicAuth({ kind: 'basic-auth', users })
  const cost = async (user: string): Promise<number> => {
    const headers = new HeaderList(['authorization', `Basic ${Buffer.from(`${user}:wrong`).toString('base64')}`])
    const head: RequestHead = {
      ...{ method: 'GET', scheme: 'http', authority: 'a', path: '/', protocol: 'HTTP/1.1', tunnel: undefined },
      headers,
    }
    const before = process.cpuUsage()
    for (let i = 0; i < 3; i++) assert.equal((await check(head))?.status, 401)
    return process.cpuUsage(before).user
  }
  const known = await cost('slow')
  assert.ok((await cost('nobody')) > known / 4)
  assert.ok((await cost('plain')) > known / 4)
})
