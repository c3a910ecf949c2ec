// A reader that stops behind a writer that does not: over every pair of versions and in both directions the proxy holds at
// most its buffer limit and one read, and when the reader goes on every byte arrives.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, listener, route } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { type Http2TunnelApp, startHttp2TunnelApp } from '../support/http2-tunnel-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ListedTunnel, type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'
import { delay, until, within } from '../support/waiting.ts'

const LIMIT = 256 * 1024
const READ = 64 * 1024
const BLOCK = randomBytes(1024 * 1024)
/** More than the kernel's socket buffers hold along the way. */
const BLOCKS = 48
/** The proxy has stopped reading when its count stays the same so long. */
const STILL_MS = 300

type Version = 'HTTP/1.1' | 'HTTP/2'
const VERSIONS: readonly Version[] = ['HTTP/1.1', 'HTTP/2']

const DIGEST = ((): string => {
  const hash = createHash('sha256')
  for (let block = 0; block < BLOCKS; block++) hash.update(BLOCK)
  return hash.digest('hex')
})()

let http1App: TunnelApp
let http2App: Http2TunnelApp
let proxy: ProxyProcess

before(async () => {
  http1App = await startTunnelApp()
  http2App = await startHttp2TunnelApp()
  const limit = { per_connection_buffer_limit_bytes: LIMIT }
  proxy = await startProxy(
    bootstrap(
      [
        listener({
          name: 'in',
          upgrades: [{ upgrade_type: 'bytes' }],
          routes: [route('/h1', 'h1'), route('/h2', 'h2')],
          more: limit,
        }),
      ],
      [
        cluster({ name: 'h1', port: http1App.port, more: limit }),
        cluster({ name: 'h2', port: http2App.port, protocol: 'http2', more: limit }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await http1App.stop()
  await http2App.stop()
  await nothingLeft()
})

/** Both ends of one tunnel. */
interface Ends {
  readonly client: Duplex
  readonly app: Duplex
  close(): Promise<void>
}

async function open(down: Version, up: Version, path: string): Promise<Ends> {
  const { client, close } = await (down === 'HTTP/2' ? http2Client(path) : http1Client(path))
  const app = up === 'HTTP/2' ? (await http2App.tunnel(path)).stream : (await http1App.tunnel(path)).socket
  return { client, app, close }
}

async function http1Client(path: string): Promise<{ client: Duplex; close(): Promise<void> }> {
  const client = await rawClient(proxy.port('in'))
  client.write(upgradeRequest(path, 'bytes'))
  assert.equal((await client.answer()).status, 101)
  return {
    client: client.socket,
    async close() {
      client.close()
    },
  }
}

async function http2Client(path: string): Promise<{ client: Duplex; close(): Promise<void> }> {
  const session = await http2Session(`http://127.0.0.1:${proxy.port('in')}`)
  const { stream, status } = await session.tunnel(path, 'bytes')
  assert.equal(status, 200)
  return { client: stream, close: () => session.close() }
}

/** Writes all blocks as fast as the stream takes them. */
function pour(stream: Duplex): void {
  let block = 0
  const go = (): void => {
    while (block < BLOCKS) {
      block++
      if (!stream.write(BLOCK)) {
        stream.once('drain', go)
        return
      }
    }
  }
  go()
}

/** Reads all of it; resolves to its digest. */
function drink(stream: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256')
    let bytes = 0
    stream.removeAllListeners('data')
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      hash.update(chunk)
      if (bytes === BLOCKS * BLOCK.length) resolve(hash.digest('hex'))
    })
    stream.once('close', () => reject(new Error(`the stream was closed after ${bytes} bytes`)))
    stream.resume()
  })
}

type Side = 'from_client' | 'from_upstream'

/** Looks until nothing moves any more; answers the most that was queued, and what had come through. */
async function watchUntilStill(side: Side): Promise<{ readonly most: number; readonly bytes: number }> {
  let most = 0
  let bytes = -1
  let since = performance.now()
  return until(
    async () => {
      const [tunnel, ...others] = await proxy.tunnels()
      assert.deepEqual(others, [])
      const direction: ListedTunnel[Side] | undefined = tunnel?.[side]
      assert.ok(direction !== undefined, 'the tunnel is open')
      most = Math.max(most, direction.queued_bytes)
      if (direction.bytes !== bytes) {
        bytes = direction.bytes
        since = performance.now()
      }
      return bytes > 0 && performance.now() - since > STILL_MS ? { most, bytes } : undefined
    },
    { what: 'the writer to be held back', detail: () => `${bytes} bytes went through` },
  )
}

for (const down of VERSIONS) {
  for (const up of VERSIONS) {
    for (const reader of ['client', 'app'] as const) {
      test(`${down} → ${up}: when the ${reader} stops reading, the other is held back within the limit`, async () => {
        const path = `/${up === 'HTTP/2' ? 'h2' : 'h1'}?${down}-${reader}`
        const ends = await open(down, up, path)
        const [source, target] = reader === 'client' ? [ends.app, ends.client] : [ends.client, ends.app]
        target.pause()
        pour(source)
        const { most, bytes } = await watchUntilStill(reader === 'client' ? 'from_upstream' : 'from_client')
        assert.ok(most <= LIMIT + READ, `${most} bytes were queued, more than ${LIMIT} and a read of ${READ}`)
        assert.ok(most > LIMIT / 2, `${most} bytes queued: the limit was not reached`)
        assert.ok(bytes < BLOCKS * BLOCK.length, 'the writer was held back')
        assert.equal(await within(drink(target), 'all bytes', 30_000), DIGEST)
        // The apps keep their half open until they are told otherwise.
        ends.app.destroy()
        await ends.close()
        await until(async () => ((await proxy.tunnels()).length === 0 ? true : undefined), {
          what: 'the tunnel to end',
        })
      })
    }
  }
}

test('a reader that stops does not hold back another tunnel of its HTTP/2 connection', async () => {
  const session = await http2Session(`http://127.0.0.1:${proxy.port('in')}`)
  const stuck = await session.tunnel('/h1?stuck', 'bytes')
  const lively = await session.tunnel('/h1?lively', 'bytes')
  lively.stream.write('are you there?')
  const visit = await http1App.tunnel('/h1?lively')
  await until(() => (visit.received().length === 14 ? true : undefined), { what: 'the bytes of the lively one' })
  stuck.stream.pause()
  pour((await http1App.tunnel('/h1?stuck')).socket)
  await delay(STILL_MS)
  const answer = new Promise<string>((resolve) =>
    lively.stream.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  )
  visit.socket.write('I am')
  assert.equal(await within(answer, 'the answer beside the stuck one'), 'I am')
  await session.close()
})
