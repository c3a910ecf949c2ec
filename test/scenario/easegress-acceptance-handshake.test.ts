// Acceptance cases of the Easegress dialect, 14 to 22: handshakes that are right and wrong, what the server is told, and
// what the client hears when the server says no or nothing.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { type Fields, handshake, handshakeText, KEY, startEasegress, status } from '../support/easegress-world.ts'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { type RawAnswer, rawClient } from '../support/raw-client.ts'
import { until, within } from '../support/waiting.ts'

const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** Handshakes as they came, in order. */
const seen: IncomingMessage[] = []
const last = (): IncomingMessage => {
  const request = seen.at(-1)
  if (request === undefined) throw new Error('nothing came')
  return request
}

const accepted = (more = ''): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n${more}\r\n`

const ANSWERS: Readonly<Record<string, string>> = {
  '/selects-b': accepted('Sec-WebSocket-Protocol: b\r\n'),
  '/selects-other': accepted('Sec-WebSocket-Protocol: zzz\r\n'),
  '/refuses': 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 7\r\n\r\nno, you',
  '/moves': 'HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n',
}

const app = createServer((_, response) => response.end('plain'))
app.on('upgrade', (request, socket) => {
  seen.push(request)
  socket.on('error', () => undefined)
  socket.on('end', () => socket.end()).resume()
  if (request.url === '/hangs') return
  socket.write(ANSWERS[request.url ?? ''] ?? accepted())
})

let proxy: ProxyProcess
let port: number
let hanging: Promise<RawAnswer>

before(async () => {
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = app.address()
  const served = typeof address === 'object' && address !== null ? address.port : 0
  const { dead } = await freePorts('dead')
  const leaf = await (await authority()).issue({ name: 'front' })
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
  proxy = await startEasegress(
    `${pipeline('chat', `ws://127.0.0.1:${served}`, '    originPatterns: ["*.example"]')}
${pipeline('open', `ws://127.0.0.1:${served}`, '    insecureSkipVerify: true')}
${pipeline('by-name', `ws://localhost:${served}`, '')}
${pipeline('kept', `ws://localhost:${served}, keepHost: true`, '')}
${pipeline('dead', `ws://127.0.0.1:${dead}`, '')}
${pipeline('unhealthy', `ws://127.0.0.1:${dead}`, '    healthCheck: {interval: 60s, timeout: 1s, ws: {}}')}
---
name: web
kind: HTTPServer
port: 8080
rules:${RULES}
---
name: told
kind: HTTPServer
port: 8081
xForwardedFor: true
rules:${RULES}
---
name: secure
kind: HTTPServer
port: 8443
https: true
certBase64: ${base64(leaf.certificate)}
keyBase64: ${base64(leaf.key)}
rules:${RULES}
`,
    { ports: [8080, 8081, 8443] },
  )
  port = proxy.port('web')
  hanging = hang()
})

after(async () => {
  await proxy.stop()
  app.closeAllConnections()
  await new Promise<void>((resolve) => app.close(() => resolve()))
  await nothingLeft()
})

const pipeline = (name: string, server: string, more: string): string => `---
name: ${name}
kind: Pipeline
filters:
- kind: WebSocketProxy
  name: ws
  pools:
  - servers: [{url: ${server.replace(/^[^,]+/, '"$&"')}}]
${more}`

const RULES = ['open', 'by-name', 'kept', 'dead', 'unhealthy']
  .map((name) => `\n- {host: ${name}.example, paths: [{backend: ${name}}]}`)
  .join('')
  .concat('\n- paths: [{backend: chat}]')

/** Begun with the file, because it lasts as long as the server may take to answer. */
async function hang(): Promise<RawAnswer> {
  const client = await rawClient(port)
  client.write(handshakeText('/hangs'))
  const deadline = within(client.ended, 'the end of an unanswered handshake', 50_000)
  try {
    const head = await new Promise<string>((resolve, reject) => {
      client.socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')))
      deadline.catch(reject)
    })
    return { status: Number(head.split(' ')[1]), headers: new Map(), head }
  } finally {
    client.close()
  }
}

/** The status of a handshake, and that the access log has the same. */
async function told(fields: Fields, line?: string): Promise<RawAnswer> {
  const path = `/told/${++visits}`
  const answer = await handshake(port, path, fields, line)
  const logged = await until(() => new RegExp(`${path} \\S+ (\\d+)\\]`).exec(proxy.output())?.[1], {
    what: `the access-log line of ${path}`,
    ms: 5000,
  })
  assert.equal(Number(logged), answer.status)
  return answer
}

let visits = 0

describe('Easegress', () => {
  test('case 14: what is no handshake is refused for what is wrong with it, and logged as it was answered', async () => {
    assert.equal((await told({})).status, 101)
    assert.equal((await told({}, 'GET HTTP/1.0')).status, 426)
    const plain = await told({ Upgrade: null })
    assert.deepEqual([plain.status, plain.headers.get('upgrade')], [426, 'websocket'])
    assert.equal((await told({ Connection: 'keep-alive' })).status, 426)
    assert.equal((await told({}, 'POST')).status, 405)
    const old = await told({ 'Sec-WebSocket-Version': '8' })
    assert.deepEqual([old.status, old.headers.get('sec-websocket-version')], [400, '13'])
    assert.equal((await told({ 'Sec-WebSocket-Key': 'your-key-here' })).status, 400)
    assert.equal((await told({ 'Sec-WebSocket-Key': [KEY, KEY] })).status, 400)
    assert.equal((await told({ 'Sec-WebSocket-Key': null })).status, 400)
  })

  test('case 15: the accept key is the one of RFC 6455 §1.3', async () => {
    const { headers } = await handshake(port, '/accept')
    assert.equal(headers.get('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  })

  test('case 16: origins', async () => {
    const origin = (Origin: string, Host: string): Promise<number> => status(port, '/', { Origin, Host })
    assert.equal(await origin('http://evil.example', 'by-name.example'), 403)
    assert.equal(await origin('https://a.example', 'chat.test'), 101)
    assert.equal(await origin('http://BY-name.Example', 'by-name.example'), 101)
    assert.equal(await origin('http://by-name.example:81', 'by-name.example:80'), 403)
    assert.equal(await status(port, '/', { Host: 'by-name.example' }), 101)
    assert.equal(await origin('http://evil.test', 'open.example'), 101)
  })

  test('case 17: the server selects the subprotocol', async () => {
    const offer = { 'Sec-WebSocket-Protocol': 'a, b' }
    assert.equal((await handshake(port, '/selects-b', offer)).headers.get('sec-websocket-protocol'), 'b')
    assert.equal(last().headers['sec-websocket-protocol'], 'a, b')
    const none = await handshake(port, '/selects-none', { 'Sec-WebSocket-Protocol': 'chat' })
    assert.deepEqual([none.status, none.headers.get('sec-websocket-protocol')], [101, undefined])
    assert.equal(await status(port, '/selects-other', offer), 502)
  })

  test('case 18: headers of the handshake', async () => {
    await status(port, '/fields', {
      Origin: 'https://a.example',
      Cookie: 'a=b',
      Authorization: 'Bearer t',
      'X-A': 'kept',
      'Proxy-Authorization': 'Basic eA==',
      'Keep-Alive': 'timeout=5',
      TE: 'trailers',
      'X-Hop': 'gone',
      Connection: 'Upgrade, X-Hop',
      'X-Forwarded-Host': 'first.example',
      'X-Forwarded-Proto': 'https',
    })
    const { headers, rawHeaders } = last()
    assert.deepEqual(
      [headers.origin, headers.cookie, headers.authorization, headers['x-a']],
      ['https://a.example', 'a=b', 'Bearer t', 'kept'],
    )
    for (const name of ['proxy-authorization', 'keep-alive', 'te', 'x-hop'])
      assert.equal(headers[name], undefined, name)
    assert.equal(rawHeaders.filter((name) => /^sec-websocket-key$/i.test(name)).length, 1)
    assert.equal(headers['x-forwarded-host'], 'first.example', 'kept if given')
    assert.equal(headers['x-forwarded-proto'], 'http', 'of this hop, whatever the client says')
    await status(port, '/host')
    assert.equal(last().headers['x-forwarded-host'], 'chat.example')
    for (const server of ['web', 'told']) {
      await status(proxy.port(server), '/for', { 'X-Forwarded-For': '1.1.1.1' })
      const addresses = last().rawHeaders.flatMap((name, i, all) =>
        /^x-forwarded-for$/i.test(name) ? [all[i + 1]?.replace(/\s/g, '')] : [],
      )
      assert.deepEqual(addresses, ['1.1.1.1,127.0.0.1'], server)
    }
    const tls = await rawClient(proxy.port('secure'), { rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    tls.write(handshakeText('/tls', { 'X-Forwarded-Proto': 'http' }))
    assert.equal((await tls.answer()).status, 101)
    tls.close()
    assert.equal(last().headers['x-forwarded-proto'], 'https')
  })

  test('case 19: Host is the client’s for a server known by address or with keepHost, else the server’s', async () => {
    await status(port, '/', { Host: 'chat.test' })
    assert.equal(last().headers.host, 'chat.test')
    await status(port, '/', { Host: 'by-name.example' })
    assert.match(last().headers.host ?? '', /^localhost:\d+$/)
    await status(port, '/', { Host: 'kept.example' })
    assert.equal(last().headers.host, 'kept.example')
  })

  test('case 20: what the server refuses, the client hears, before any 101', async () => {
    const dead = await handshake(port, '/', { Host: 'dead.example' })
    assert.equal(dead.status, 503)
    const client = await rawClient(port)
    client.write(handshakeText('/refuses'))
    const refused = await client.answer()
    assert.deepEqual([refused.status, refused.headers.get('www-authenticate')], [401, 'Basic realm="x"'])
    assert.equal(String(await client.read(7)), 'no, you')
    client.close()
    const before = seen.length
    const moved = await handshake(port, '/moves')
    assert.deepEqual([moved.status, moved.headers.get('location')], [302, '/elsewhere'])
    assert.equal(seen.length, before + 1, 'nobody followed')
  })

  test('case 21: without a healthy server a plain 503, with a time to come back', async () => {
    const { status: code, headers } = await handshake(port, '/', { Host: 'unhealthy.example' })
    assert.equal(code, 503)
    assert.match(headers.get('retry-after') ?? '', /^\d+$/)
    assert.equal(headers.get('upgrade'), undefined)
  })

  test('case 22: a server that never answers is a 504 after the time for a handshake', async () => {
    assert.equal((await hanging).status, 504)
  })
})
