// A client that asks and does not read. Once a response was complete on this side no timer watched it any more: streams
// without window, and connections that were told to close, stayed with all their bytes until the client chose to go.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { connect, constants, type ClientHttp2Session } from 'node:http2'
import { after, before, test } from 'node:test'
import { closeCause, type CloseCause } from '../../src/core/close-cause.ts'
import { resetWhenStalled } from '../../src/transport/stalled-close.ts'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { delay, until, within } from '../support/waiting.ts'

const BYTES = 300_000
const STREAMS = 20

let app: Server
let proxy: ProxyProcess

before(async () => {
  app = createServer((_request, response) => response.end(Buffer.alloc(BYTES)))
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve))
  const address = app.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes: [route('/', 'app')], hcm: { stream_idle_timeout: '1s' } })],
      [cluster({ name: 'app', port })],
    ),
  )
})

after(async () => {
  await proxy.stop()
  app.closeAllConnections()
  await new Promise<void>((resolve) => app.close(() => resolve()))
  await nothingLeft()
})

test('a response that waits for a window the client does not open is given up after the idle timeout', async () => {
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${proxy.port('web')}`, {
    settings: { initialWindowSize: 0 },
  })
  const resets: number[] = []
  for (let i = 0; i < STREAMS; i++) {
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => undefined)
    stream.on('close', () => resets.push(stream.rstCode))
  }
  await proxy.statBecomes('http.web.http2.streams_active', STREAMS)
  await until(() => resets.length === STREAMS || undefined, {
    what: 'every stream to be reset',
    ms: 8000,
    detail: () => `${resets.length} were`,
  })
  assert.deepEqual([...new Set(resets)], [constants.NGHTTP2_CANCEL])
  await proxy.statBecomes('http.web.http2.streams_active', 0)
  await proxy.statBecomes('http.web.http2.pending_send_bytes', 0)
  assert.equal(await proxy.stat('http.web.http2.tx_flush_timeout'), STREAMS)
  session.destroy()
})

test('a response that moves, however slowly, is not given up', async () => {
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${proxy.port('web')}`, {
    settings: { initialWindowSize: 50_000 },
  })
  const stream = session.request({ ':path': '/' })
  let seen = 0
  const over = new Promise<void>((resolve, reject) => stream.on('end', resolve).on('error', reject))
  stream.on('data', (chunk: Buffer) => {
    seen += chunk.length
    stream.pause()
    setTimeout(() => stream.resume(), 120)
  })
  await within(over, 'the whole response', 15_000)
  assert.equal(seen, BYTES)
  session.destroy()
})

test('a closed stream whose queue stands still is reset, one whose queue shrinks is not', async () => {
  const cause: CloseCause = closeCause('proxy', 'http', 'finished')
  const stream = (queuedBytes: number) => ({
    queuedBytes,
    closed: cause,
    resets: 0,
    reset: () => void stalled.resets++,
  })
  const stalled = stream(1000)
  const moving = { ...stream(1000), resets: 0, reset: () => void moving.resets++ }
  const watches = [resetWhenStalled(stalled, 500), resetWhenStalled(moving, 500)]
  for (let i = 0; i < 20 && stalled.resets === 0; i++) {
    moving.queuedBytes -= 10
    await delay(100)
  }
  assert.deepEqual([stalled.resets, moving.resets], [1, 0])
  for (const watch of watches) watch.cancel()
})
