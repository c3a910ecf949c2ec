// Easegress's WebSocket tutorial as docs/dialects.md has it: its objects and its curl command are taken from there and run
// as they stand, but for the ports. Beside curl a real browser and the `ws` package are clients.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium } from 'playwright-core'
import { WebSocketServer } from 'ws'
import { startEasegress } from '../support/easegress-world.ts'
import { type CommandResult, runForeign } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import type { ProxyProcess } from '../support/proxy-process.ts'
import { needs, toolPath } from '../support/tools.ts'
import { until } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

const [, section = ''] = readFileSync('docs/dialects.md', 'utf8').split('### The tutorial\n')

/** The code of that language in the section, up to the next heading. */
const code = (language: string): string => {
  const [own = ''] = section.split('\n##')
  const [, found] = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(own) ?? []
  if (found === undefined) throw new Error(`docs/dialects.md has no ${language} in the tutorial`)
  return found
}

const app = createServer((_, response) => response.writeHead(404).end())
const sockets = new WebSocketServer({ server: app })
const closes: { code: number; reason: string }[] = []
const origins: (string | undefined)[] = []
let proxy: ProxyProcess
let port: number

before(async () => {
  sockets.on('connection', (socket, request) => {
    origins.push(request.headers.origin)
    socket.on('error', () => undefined)
    socket.on('message', (data, binary) => socket.send(data, { binary }))
    socket.on('close', (number, reason) => closes.push({ code: number, reason: reason.toString() }))
    socket.send('welcome')
  })
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const address: AddressInfo | string | null = app.address()
  const served = typeof address === 'object' && address !== null ? address.port : 0
  proxy = await startEasegress(code('yaml').replace('12345', String(served)))
  port = proxy.port('demo-server')
})

after(async () => {
  await proxy.stop()
  for (const socket of sockets.clients) socket.terminate()
  sockets.close()
  app.closeAllConnections()
  await new Promise<void>((resolve) => app.close(() => resolve()))
  await nothingLeft()
})

test('its objects load, with a warning for the one key that has no effect', () => {
  assert.equal(proxy.output().match(/warning: /g)?.length, 1)
  assert.match(proxy.output(), /warning: defaultOrigin has no effect/)
})

describe('curl', needs('curl'), () => {
  /** The command of the tutorial, with changes; curl waits for more after the answer until its time is over. */
  const curl = (change: (command: string) => string): Promise<CommandResult> => {
    const command = change(code('bash').replaceAll('8080', String(port)).replaceAll('\\\n', ' '))
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
    return runForeign('curl', ['--silent', '--max-time', '2', ...words.slice(1)])
  }

  test('the corrected command opens the WebSocket and hears the server', async () => {
    const { output } = await curl((command) => command)
    assert.match(output, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    assert.match(output, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i)
    assert.match(output, /welcome/)
  })

  test('as the vendor prints it, it gets 404 for the path, and 400 for the key', async () => {
    const wrongKey = (command: string): string => command.replace('dGhlIHNhbXBsZSBub25jZQ==', 'your-key-here')
    assert.match((await curl((command) => wrongKey(command).replace(/\/ws\s*$/, '/'))).output, /^HTTP\/1\.1 404 /)
    assert.match((await curl(wrongKey)).output, /^HTTP\/1\.1 400 /)
  })
})

test('the ws package', async () => {
  const client = await webSocket({ protocol: 'http1', port, path: '/ws' })
  client.socket.send('hello')
  // The welcome may have come with the 101, before anybody listened.
  const first = String((await client.next()).data)
  assert.equal(first === 'welcome' ? String((await client.next()).data) : first, 'hello')
  assert.deepEqual(await client.close(1000, 'bye'), { code: 1000, reason: 'bye' })
})

/** One conversation in the page. */
const converse = (url: string): string => `new Promise((resolve) => {
  const socket = new WebSocket('${url}')
  const seen = []
  socket.onerror = () => resolve('refused')
  socket.onopen = () => socket.send('grüße ☕')
  socket.onmessage = ({ data }) => {
    seen.push(data)
    if (seen.length === 2) socket.close(4321, 'the page is done')
  }
  socket.onclose = ({ code, reason, wasClean }) => resolve({ seen, code, reason, wasClean })
})`

describe('Chromium', needs('chromium'), () => {
  let browser: Browser

  before(async () => {
    browser = await chromium.launch({
      executablePath: toolPath('chromium') ?? '',
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
    })
  })

  after(() => browser.close())

  test('talks to the server from a page of the same origin, and hears code and reason of its close', async () => {
    const page = await browser.newPage()
    // The tutorial has no page. What the proxy says about that is one, and of the right origin.
    await page.goto(`http://127.0.0.1:${port}/`)
    assert.equal(await page.evaluate('location.origin'), `http://127.0.0.1:${port}`)
    assert.deepEqual(await page.evaluate(converse(`ws://127.0.0.1:${port}/ws`)), {
      seen: ['welcome', 'grüße ☕'],
      code: 4321,
      reason: 'the page is done',
      wasClean: true,
    })
    await until(() => closes.find((close) => close.code === 4321 && close.reason === 'the page is done'), {
      what: 'the close at the server',
    })
    assert.equal(origins.at(-1), `http://127.0.0.1:${port}`, 'the Origin is passed on')
    await page.close()
  })

  test('is refused from a page of another origin', async () => {
    const page = await browser.newPage()
    await page.goto(`http://localhost:${port}/`)
    const before = origins.length
    assert.equal(await page.evaluate(converse(`ws://127.0.0.1:${port}/ws`)), 'refused')
    assert.equal(origins.length, before)
    await page.close()
  })
})
