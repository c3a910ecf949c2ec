import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { type CloseCause, closeCause } from '../../../src/core/close-cause.ts'
import { type Dial, type DialSink, dialPipe, dialTcp } from '../../../src/transport/dial.ts'
import { listenPipe, listenTcp } from '../../../src/transport/listen.ts'
import type { ReplayableStream } from '../../../src/transport/replay.ts'
import { Recorder, turns, until } from '../../conformance/byte-stream.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { tcpPair } from './socket-pairs.ts'

const limits = { clock: systemClock, connectTimeoutMs: 5000 }
const KILL = closeCause('operator', 'server', 'admin_close', 'test')
const silent = {
  onAccept: (stream: ReplayableStream) => void new Recorder(stream),
  onAcceptError: (error: Error) => assert.fail(error),
}

function outcome(begin: (sink: DialSink) => Dial): Promise<ReplayableStream | CloseCause> {
  return new Promise((resolve) => begin({ onConnect: resolve, onConnectError: resolve }))
}

const asCause = (end: ReplayableStream | CloseCause): CloseCause => {
  assert.ok(!('write' in end), 'it connected')
  return end
}

describe('dialling', () => {
  it('says that a port refuses, and who', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, silent)
    await new Promise<void>((resolve) => listener.close(resolve))
    const { port } = listener.address
    const cause = asCause(await outcome((sink) => dialTcp({ ...limits, host: '127.0.0.1', port }, sink)))
    assert.deepEqual(cause, {
      ...{ by: 'upstream', layer: 'tcp', code: 'upstream_connection_failure' },
      detail: `127.0.0.1:${port}: connection refused (ECONNREFUSED)`,
    })
  })

  it('says that a local address cannot be used', async () => {
    const options = { ...limits, host: '127.0.0.1', port: 1, localAddress: '192.0.2.1' }
    const cause = asCause(await outcome((sink) => dialTcp(options, sink)))
    assert.match(cause.detail, /EADDRNOTAVAIL/)
  })

  it('gives up in time when nobody answers', async () => {
    // A backlog that is full leaves further attempts unanswered.
    const server = await fullServer()
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const clock = new ManualClock()
    const waiting: Dial[] = []
    const attempts = Array.from({ length: 8 }, () =>
      outcome((sink) => {
        const dial = dialTcp({ clock, connectTimeoutMs: 250, host: '127.0.0.1', port: address.port }, sink)
        waiting.push(dial)
        return dial
      }),
    )
    await turns(200)
    clock.advance(250)
    const ends = await Promise.all(attempts)
    const causes = ends.filter((end) => !('write' in end))
    assert.ok(causes.length > 0, 'some attempt was not answered')
    for (const cause of causes) {
      assert.ok('code' in cause)
      assert.equal(cause.code, 'upstream_connection_timeout')
      assert.match(cause.detail, /no connection within 250 ms/)
    }
    for (const end of ends) if ('write' in end) end.reset(KILL)
    for (const dial of waiting) dial.cancel()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })

  it('calls nobody after cancel', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, silent)
    const dial = dialTcp(
      { ...limits, host: '127.0.0.1', port: listener.address.port },
      {
        onConnect: () => assert.fail('connected'),
        onConnectError: () => assert.fail('failed'),
      },
    )
    dial.cancel()
    dial.cancel()
    await turns(20)
    await new Promise<void>((resolve) => listener.close(resolve))
  })

  it('comes from the address it is told', async () => {
    const seen = Promise.withResolvers<string>()
    const listener = await listenTcp(
      { host: '127.0.0.1', port: 0 },
      {
        onAccept: (stream) => {
          seen.resolve(stream.info.remote.ip)
          assert.ok(new Recorder(stream))
        },
        onAcceptError: seen.reject,
      },
    )
    const stream = await outcome((sink) =>
      dialTcp({ ...limits, host: '127.0.0.1', port: listener.address.port, localAddress: '127.0.0.9' }, sink),
    )
    assert.equal(await seen.promise, '127.0.0.9')
    assert.ok('write' in stream)
    stream.reset(KILL)
    await new Promise<void>((resolve) => listener.close(resolve))
  })

  it('works over IPv6, with its spelling', async (t) => {
    const pair = await tcpPair('::1').catch(() => undefined)
    if (pair === undefined) return t.skip('no IPv6 here')
    assert.match(pair.accepted.info.remote.text, /^\[::1\]:\d+$/)
    assert.equal(pair.accepted.info.remote.text, pair.dialled.info.local.text)
    const ends = [new Recorder(pair.accepted), new Recorder(pair.dialled)]
    for (const end of ends) end.stream.reset(KILL)
    await until(() => ends.every((end) => end.cause !== undefined), 'closed')
    // Addresses outlive the socket: logs are written at the end.
    assert.match(pair.accepted.info.local.text, /^\[::1\]:\d+$/)
    await pair.dispose()
  })
})

async function fullServer(): Promise<Server> {
  const server = createServer({ pauseOnConnect: true })
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, resolve))
  // The loop never accepts: the handle is kept from being polled.
  Reflect.get(server, '_handle').onconnection = () => undefined
  Reflect.get(server, '_handle').unref()
  return server
}

describe('listening', () => {
  it('says that a port is taken', async () => {
    const listener = await listenTcp({ host: '127.0.0.1', port: 0 }, silent)
    await assert.rejects(listenTcp({ host: '127.0.0.1', port: listener.address.port }, silent), { code: 'EADDRINUSE' })
    await new Promise<void>((resolve) => listener.close(resolve))
  })

  it('leaves accepted streams alone when it closes', async () => {
    const pair = await tcpPair()
    await pair.dispose()
    const [a, b] = [new Recorder(pair.accepted), new Recorder(pair.dialled)]
    a.stream.writeLatin1('alive')
    await until(() => b.text === 'alive', 'bytes')
    for (const end of [a, b]) end.stream.reset(KILL)
    await until(() => a.cause !== undefined && b.cause !== undefined, 'closed')
  })

  it('replaces a stale socket file, obeys the mode, and removes its file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
    const path = join(folder, 'x.sock')
    const stale = createServer()
    await new Promise<void>((resolve) => stale.listen(path, resolve))
    // A killed process leaves its file: closing the handle alone does the same.
    const { linkSync } = await import('node:fs')
    linkSync(path, `${path}.kept`)
    await new Promise<void>((resolve) => stale.close(() => resolve()))
    linkSync(`${path}.kept`, path)
    const listener = await listenPipe({ path, mode: 0o600 }, silent)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(listener.address.text, path)
    await assert.rejects(listenPipe({ path }, silent), { code: 'EADDRINUSE' })
    await new Promise<void>((resolve) => listener.close(resolve))
    assert.equal(existsSync(path), false)
    writeFileSync(path, 'a file')
    await assert.rejects(listenPipe({ path }, silent), { code: 'EADDRINUSE' })
    assert.equal(existsSync(path), true)
    const gone = asCause(await outcome((sink) => dialPipe({ ...limits, path: join(folder, 'none') }, sink)))
    assert.match(gone.detail, /ENOENT/)
    rmSync(folder, { recursive: true })
  })
})
