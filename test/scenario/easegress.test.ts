// Easegress objects run by the real program as they are written: the vendor's tutorial, rules and their refusals, the
// handshake, Origins, headers, message limits and the access log. Numbers are those of the acceptance cases.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type RunningProgram, runSluice } from '../support/proxy-process.ts'
import { type RawAnswer, rawClient } from '../support/raw-client.ts'
import { until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

let app: EchoApp
let refusing: Server
let refusingPort: number
let port: number
let program: RunningProgram
let folder: string

before(async () => {
  app = await startEchoApp()
  refusing = createServer()
  refusing.on('upgrade', (_, socket) =>
    socket.end('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 2\r\n\r\nno'),
  )
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve))
  const address = refusing.address()
  refusingPort = typeof address === 'object' && address !== null ? address.port : 0
  const free = await freePorts('port', 'dead', 'admin')
  port = free.port
  folder = mkdtempSync(join(tmpdir(), 'sluice-easegress-'))
  writeFileSync(join(folder, 'pipelines.yaml'), pipelines(app.port, free.dead))
  writeFileSync(join(folder, 'server.yaml'), SERVER)
  program = runSluice(['run', '-c', folder, '--admin', String(free.admin), '--port-map', `8080=${port}`])
  await until(
    async () => {
      if (program.ended !== undefined) throw new Error(program.output())
      try {
        const client = await rawClient(port)
        client.close()
        return true
      } catch {
        return undefined
      }
    },
    { what: 'the proxy to listen', ms: 30_000, detail: program.output },
  )
})

after(async () => {
  program.child.kill('SIGTERM')
  assert.equal(await program.exited, 0, program.output())
  assert.doesNotMatch(program.output(), /Error:|\n {4}at /)
  await app.stop()
  refusing.closeAllConnections()
  await new Promise<void>((resolve) => refusing.close(() => resolve()))
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

const pipelines = (echo: number, dead: number): string => `
name: websocket-pipeline
kind: Pipeline
flow:
- filter: wsproxy
filters:
- kind: WebSocketProxy
  name: wsproxy
  defaultOrigin: http://127.0.0.1/hello
  pools:
  - servers:
    - url: ws://127.0.0.1:${echo}
      keepHost: true
    loadBalance:
      policy: roundRobin
    clientMaxMsgSize: 1024
    originPatterns: ["*.example"]
---
name: by-name
kind: Pipeline
filters:
- {kind: WebSocketProxy, name: by-name, pools: [{servers: [{url: "ws://localhost:${echo}"}], insecureSkipVerify: true, loadBalance: {stickySession: {mode: DurationBased}}}]}
---
name: dead
kind: Pipeline
filters:
- {kind: WebSocketProxy, name: dead, pools: [{servers: [{url: "ws://127.0.0.1:${dead}"}]}]}
---
name: refusing
kind: Pipeline
filters:
- {kind: WebSocketProxy, name: refusing, pools: [{servers: [{url: "ws://127.0.0.1:${refusingPort}"}]}]}
---
name: http
kind: Pipeline
flow: [{filter: check, jumpIf: {invalid: END}}, {filter: proxy}]
filters:
- {kind: Validator, name: check, headers: {X-Key: {values: [open]}}}
- {kind: Proxy, name: proxy, pools: [{servers: [{url: "http://127.0.0.1:${echo}/base"}]}]}
`

const SERVER = `
name: demo-server
kind: HTTPServer
port: 8080
xForwardedFor: true
rules:
- paths:
  - path: /ws
    clientMaxBodySize: -1
    backend: websocket-pipeline
  - {path: /name, backend: by-name}
  - {path: /dead, backend: dead}
  - {path: /refusing, backend: refusing}
  - {path: /post, methods: [POST], backend: http}
  - {path: /header, headers: [{key: X-A, values: [a]}], backend: http}
  - {path: /blocked, ipFilter: {blockIPs: [127.0.0.0/8]}, backend: http}
  - {path: /missing, backend: nobody}
  - {pathPrefix: /pre, rewriteTarget: /chat, backend: websocket-pipeline}
  - {path: /http, backend: http, clientMaxBodySize: 10, setHeaders: {X-Seen: "$request_method $uri"}}
`

/** A handshake as a browser writes it, with `changes` over it; null takes a field away. */
async function handshake(
  path: string,
  changes: Readonly<Record<string, string | null>> = {},
  line = 'GET',
): Promise<RawAnswer> {
  const [method = 'GET', version = 'HTTP/1.1'] = line.split(' ')
  const fields: Record<string, string | null> = {
    Host: 'chat.example',
    Connection: 'keep-alive, Upgrade',
    Upgrade: 'WebSocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    ...changes,
  }
  const lines = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  const client = await rawClient(port)
  client.write(`${method} ${path} ${version}\r\n${lines.join('\r\n')}\r\n\r\n`)
  const answer = await client.answer()
  client.close()
  return answer
}

const status = async (...args: Parameters<typeof handshake>): Promise<number> => (await handshake(...args)).status

const PLAIN = { Connection: null, Upgrade: null, 'Sec-WebSocket-Version': null, 'Sec-WebSocket-Key': null }

describe('Easegress objects', () => {
  test('the tutorial echoes, and its curl command gets what the document says it must', async () => {
    const client = await webSocket({ protocol: 'http1', port, path: '/ws' })
    client.socket.send('hello')
    assert.equal(String((await client.next()).data), 'hello')
    assert.deepEqual(await client.close(1000, 'bye'), { code: 1000, reason: 'bye' })
    const visit = await app.visit('/ws')
    await until(() => visit.closed, { what: 'the close to arrive', ms: 5000 })
    assert.deepEqual(visit.closed, { code: 1000, reason: 'bye' })
    assert.equal(await status('/', { 'Sec-WebSocket-Key': 'your-key-here' }), 404)
    assert.equal(await status('/ws', { 'Sec-WebSocket-Key': 'your-key-here' }), 400)
  })

  test('case 11: exact paths, raw prefixes and rewritten targets', async () => {
    assert.equal(await status('/wsx'), 404)
    const client = await webSocket({ protocol: 'http1', port, path: '/pre/a?b=1' })
    await app.visit('/chat/a?b=1')
    await client.close()
    assert.equal(await status('/prefix'), 101)
  })

  test('case 13: each near miss has its status', async () => {
    assert.equal(await status('/post', PLAIN), 405)
    assert.equal(await status('/header', PLAIN), 400)
    assert.equal(await status('/blocked', PLAIN), 403)
    assert.equal(await status('/nowhere', PLAIN), 404)
    assert.equal(await status('/missing', PLAIN), 503)
  })

  test('case 14: what is no handshake is refused for what is wrong with it', async () => {
    assert.equal(await status('/ws', {}, 'GET HTTP/1.0'), 426)
    const plain = await handshake('/ws', { Upgrade: null, Connection: null })
    assert.equal(plain.status, 426)
    assert.equal(plain.headers.get('upgrade'), 'websocket')
    assert.equal(await status('/ws', {}, 'POST'), 405)
    const old = await handshake('/ws', { 'Sec-WebSocket-Version': '8' })
    assert.equal(old.status, 400)
    assert.equal(old.headers.get('sec-websocket-version'), '13')
  })

  test('case 15: the accept key is the one of RFC 6455', async () => {
    const answer = await handshake('/ws')
    assert.equal(answer.status, 101)
    assert.equal(answer.headers.get('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    assert.deepEqual(
      [...answer.headers.keys()].filter((name) => /^x-(?:envoy|request)/.test(name)),
      [],
    )
  })

  test('case 16: origins', async () => {
    assert.equal(await status('/ws', { Origin: 'http://evil.test' }), 403)
    assert.equal(await status('/ws', { Origin: 'https://a.example' }), 101)
    assert.equal(await status('/ws', { Host: 'chat.test', Origin: 'http://CHAT.test' }), 101)
    assert.equal(await status('/ws', { Host: 'chat.test:80', Origin: 'http://chat.test:81' }), 403)
    assert.equal(await status('/name', { Origin: 'http://evil.test' }), 101)
  })

  test('cases 18 and 19: headers of the handshake', async () => {
    assert.equal(
      await status('/pre/headers', {
        'X-Forwarded-For': '1.1.1.1',
        'X-Forwarded-Proto': 'https',
        Cookie: 'a=b',
        Authorization: 'Bearer t',
        'X-A': 'kept',
        'Proxy-Authorization': 'Basic eA==',
        'Keep-Alive': 'timeout=5',
        TE: 'trailers',
      }),
      101,
    )
    const { headers } = await app.visit('/chat/headers')
    assert.equal(String(headers['x-forwarded-for']).replace(/\s/g, ''), '1.1.1.1,127.0.0.1')
    assert.equal(headers['x-forwarded-proto'], 'http')
    assert.equal(headers['x-forwarded-host'], 'chat.example')
    assert.equal(headers.host, 'chat.example')
    assert.deepEqual([headers.cookie, headers.authorization, headers['x-a']], ['a=b', 'Bearer t', 'kept'])
    assert.deepEqual(
      [headers['proxy-authorization'], headers['keep-alive'], headers['te']],
      [undefined, undefined, undefined],
    )
    assert.deepEqual(
      Object.keys(headers).filter((name) => /^x-(?:envoy|request)/.test(name)),
      [],
    )
    await status('/name')
    assert.equal((await app.visit('/name')).headers.host, `localhost:${app.port}`)
  })

  test('case 10: a sticky session is told on the 101 itself', async () => {
    const answer = await handshake('/name')
    assert.match(answer.headers.get('set-cookie') ?? '', /^EG_SESSION=/)
  })

  test('case 20: refusals of the server reach the client, before any 101', async () => {
    const dead = await status('/dead')
    assert.ok(dead === 502 || dead === 503, `status ${dead}`)
    const refused = await handshake('/refusing')
    assert.equal(refused.status, 401)
    assert.equal(refused.headers.get('www-authenticate'), 'Basic realm="x"')
  })

  test('case 23: a message over the limit closes with 1009', async () => {
    const client = await webSocket({ protocol: 'http1', port, path: '/ws' })
    client.socket.send('x'.repeat(1024))
    assert.equal((await client.next()).data.length, 1024)
    client.socket.send('x'.repeat(1025))
    assert.equal((await client.closed).code, 1009)
  })

  test('a Proxy goes before a path, after a Validator, and bodies are limited', async () => {
    assert.equal(await status('/http', PLAIN), 400)
    const response = await fetch(`http://127.0.0.1:${port}/http?a=1`, { headers: { 'X-Key': 'open' } })
    assert.equal(await response.text(), 'app /base/http?a=1')
    assert.equal(response.headers.get('server'), null)
    const large = await fetch(`http://127.0.0.1:${port}/http`, {
      method: 'POST',
      headers: { 'X-Key': 'open' },
      body: 'x'.repeat(11),
    })
    assert.equal(large.status, 413)
    await large.text()
  })

  test('case 36: one line in the access log, when the WebSocket has closed', async () => {
    const client = await webSocket({ protocol: 'http1', port, path: '/pre/logged' })
    client.socket.send('0123456789')
    await client.next()
    assert.doesNotMatch(program.stdout(), /\/pre\/logged/)
    await client.close()
    const line = await until(() => /^.*\/pre\/logged.*$/m.exec(program.stdout())?.[0], { what: 'the line', ms: 5000 })
    assert.match(
      line,
      /^\[\d{4}-\d\d-\d\dT[^\]]+\] \[127\.0\.0\.1:\d+ 127\.0\.0\.1 GET \/pre\/logged HTTP\/1\.1 101\] \[\d+ms rx:\d+B tx:\d+B\] \[/,
    )
    assert.equal(program.stdout().split('/pre/logged').length, 2)
  })
})
