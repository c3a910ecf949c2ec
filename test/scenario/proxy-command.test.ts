// `sluice proxy`: a CONNECT proxy for curl, for Node's own agents and for HTTP/2 clients, that keeps its clients away from
// this machine and from private networks unless it is told otherwise.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, request } from 'node:http'
import { createServer as createHttpsServer, Agent, get as getSecure } from 'node:https'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type Authority, authority } from '../support/certificates.ts'
import { runForeign } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { runSluice } from '../support/proxy-process.ts'
import { type RunningCommand, startCommand } from '../support/sluice-command.ts'
import { askOn } from '../support/tunnel-client.ts'
import { needs } from '../support/tools.ts'
import { within } from '../support/waiting.ts'

let ca: Authority
let plain: Site
let secure: Site
let open: RunningCommand
let shut: RunningCommand

interface Site {
  readonly port: number
  stop(): Promise<void>
}

before(async () => {
  ca = await authority()
  const leaf = await ca.issue({ name: 'localhost' })
  plain = await site(createServer((asked, answer) => answer.end(`plain ${asked.url}`)))
  secure = await site(
    createHttpsServer({ key: leaf.key, cert: leaf.certificate }, (asked, answer) => answer.end(`secure ${asked.url}`)),
  )
  open = await startForwardProxy(['--allow', `localhost:${secure.port}`, '--allow', `127.0.0.1:${plain.port}`])
  shut = await startForwardProxy([])
})

after(async () => {
  await open.stop()
  await shut.stop()
  await plain.stop()
  await secure.stop()
  await nothingLeft()
})

async function site(server: ReturnType<typeof createServer>): Promise<Site> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const startForwardProxy = (flags: readonly string[]): Promise<RunningCommand> => startCommand('proxy', flags)

const curl = (proxy: RunningCommand, ...args: readonly string[]): ReturnType<typeof runForeign> =>
  runForeign('curl', [
    ...['-sS', '--max-time', '10', '--cacert', ca.certificateFile, '-x', `http://127.0.0.1:${proxy.port}`],
    ...args,
  ])

/** A CONNECT as it is, and the first bytes of the answer. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text)
  let all = ''
  socket.on('data', (chunk: Buffer) => (all += chunk.toString('latin1')))
  await within(
    once(socket, 'close').catch(() => undefined),
    'the end',
  )
  return all
}

describe('what it is for', () => {
  test('curl reaches an HTTPS site', needs('curl'), async () => {
    const { code, output } = await curl(open, `https://localhost:${secure.port}/a`)
    assert.deepEqual({ code, output }, { code: 0, output: 'secure /a' })
  })

  test('curl asks for a plain site by its whole address', needs('curl'), async () => {
    const { code, output } = await curl(open, `http://127.0.0.1:${plain.port}/b`)
    assert.deepEqual({ code, output }, { code: 0, output: 'plain /b' })
  })

  test('an agent of Node tunnels', async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request({
        port: open.port,
        host: '127.0.0.1',
        method: 'CONNECT',
        path: `localhost:${secure.port}`,
      })
        .on('connect', (_answer: IncomingMessage, socket: Socket) => {
          const agent = new (class extends Agent {
            override createConnection(): Duplex {
              return connectTls({ socket, servername: 'localhost', ca: ca.certificate })
            }
          })()
          getSecure({ agent, path: '/c', host: 'localhost' }, resolve).on('error', reject)
        })
        .on('error', reject)
        .end()
    })
    assert.equal(await body(answer), 'secure /c')
    answer.socket.destroy()
  })

  test('HTTP/2 clients open many tunnels on one connection', async () => {
    const session = connectHttp2(`http://127.0.0.1:${open.port}`)
    for (let i = 0; i < 3; i++) {
      const { status, stream } = await askOn(session, { method: 'CONNECT', authority: `localhost:${secure.port}` })
      assert.equal(status, 200)
      const tls = connectTls({
        socket: stream,
        servername: 'localhost',
        ca: ca.certificate,
        ALPNProtocols: ['http/1.1'],
      })
      tls.end(`GET /${i} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
      let text = ''
      for await (const chunk of tls) text += String(chunk)
      assert.match(text, new RegExp(`secure /${i}`))
    }
    session.destroy()
  })
})

const body = async (answer: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of answer) text += String(chunk)
  return text
}

describe('what it keeps out', () => {
  const TARGETS = [
    'localhost:PORT',
    '127.0.0.1:PORT',
    '127.1.2.3:PORT',
    '0.0.0.0:PORT',
    '[::1]:PORT',
    '[::ffff:127.0.0.1]:PORT',
    '[::]:PORT',
    '10.0.0.1:80',
    '172.16.0.1:80',
    '192.168.1.1:80',
    '169.254.169.254:80',
    '100.64.0.1:80',
    '[fe80::1]:80',
    '[fc00::1]:80',
    '[64:ff9b::7f00:1]:80',
  ]
  for (const target of TARGETS) {
    test(`CONNECT ${target}`, async () => {
      const authority = target.replace('PORT', String(secure.port))
      const answer = await raw(shut.port, `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 (403|400|503) /)
      assert.match(answer, /^HTTP\/1\.1 403 /)
    })
  }

  test('a port that no rule names', async () => {
    const answer = await raw(open.port, `CONNECT 127.0.0.1:${secure.port} HTTP/1.1\r\nhost: x\r\n\r\n`)
    assert.match(answer, /^HTTP\/1\.1 403 /)
  })

  test('its own port', async () => {
    const answer = await raw(shut.port, `CONNECT 127.0.0.1:${shut.port} HTTP/1.1\r\nhost: x\r\n\r\n`)
    assert.match(answer, /^HTTP\/1\.1 403 /)
  })

  test('plain requests, too, and the answer says which flag would allow it', async () => {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ port: shut.port, path: `http://127.0.0.1:${plain.port}/`, host: '127.0.0.1' }, resolve).on('error', reject)
    })
    assert.equal(answer.statusCode, 403)
    assert.match(await body(answer), /allow/)
  })

  for (const authority of [
    '2130706433:80',
    '0x7f.1:80',
    '127.1:80',
    'a b:80',
    'host',
    'host:0',
    'host:65536',
    ':80',
    '-',
  ]) {
    test(`nonsense: CONNECT ${authority}`, async () => {
      const answer = await raw(shut.port, `CONNECT ${authority} HTTP/1.1\r\nhost: x\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 (400|403|503) /)
    })
  }
})

test('credentials for the proxy do not reach an origin', async () => {
  const asked: IncomingMessage[] = []
  const origin = await site(
    createServer((question, answer) => {
      asked.push(question)
      answer.end()
    }),
  )
  const proxy = await startForwardProxy(['--allow', `127.0.0.1:${origin.port}`])
  const answer = await raw(
    proxy.port,
    `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nhost: x\r\nproxy-authorization: Basic QTpC\r\nconnection: close\r\n\r\n`,
  )
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.equal(asked[0]?.headers['proxy-authorization'], undefined)
  await proxy.stop()
  await origin.stop()
})

test('a rule that cannot be read is refused with what is expected', async () => {
  const run = runSluice(['proxy', '--allow', 'host:99999'])
  assert.notEqual(await run.exited, 0)
  assert.match(run.output(), /99999/)
})
