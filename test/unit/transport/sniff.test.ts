import assert from 'node:assert/strict'
import { connect as connectTcp } from 'node:net'
import { describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { closeCause } from '../../../src/core/close-cause.ts'
import { CLIENT_HELLO_BYTES } from '../../../src/core/limits.ts'
import { readClientHello } from '../../../src/transport/client-hello.ts'
import { listenTcp } from '../../../src/transport/listen.ts'
import { memoryPair } from '../../../src/transport/memory.ts'
import {
  HTTP2_PREFACE,
  type SniffOptions,
  type SniffedFacts,
  beginsWithPreface,
  sniff,
} from '../../../src/transport/sniff.ts'
import { Recorder, turns, until } from '../../conformance/byte-stream.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { tcpPair } from './socket-pairs.ts'

/** The first flight of a real client. */
async function realHello(options: {
  servername?: string
  ALPNProtocols?: string[]
  maxVersion?: 'TLSv1.2'
}): Promise<Buffer> {
  const captured = Promise.withResolvers<Buffer>()
  const listener = await listenTcp(
    { host: '127.0.0.1', port: 0 },
    {
      onAccept: (stream) =>
        stream.setSink({
          onData(buffer, start, end) {
            captured.resolve(Buffer.from(buffer.subarray(start, end)))
            stream.reset(closeCause('proxy', 'tcp', 'finished'))
          },
          onEnd: () => undefined,
          onDrain: () => undefined,
          onClose: () => undefined,
        }),
      onAcceptError: captured.reject,
    },
  )
  const client = connectTls({ ...options, host: '127.0.0.1', port: listener.address.port, rejectUnauthorized: false })
  client.on('error', () => undefined)
  const bytes = await captured.promise
  client.destroy()
  await new Promise<void>((resolve) => listener.close(resolve))
  return bytes
}

const hello = await realHello({ servername: 'App.Example', ALPNProtocols: ['h2', 'http/1.1'] })

/** The handshake message of `bytes` spread over records of `size` bytes. */
function fragmented(bytes: Buffer, size: number): Buffer {
  const message = bytes.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

describe('ClientHello', () => {
  it('gives server name and ALPN of a real client', () => {
    assert.deepEqual(readClientHello(hello), { kind: 'hello', serverName: 'app.example', alpn: ['h2', 'http/1.1'] })
  })

  it('reads one without extensions of interest, and of TLS 1.2', async () => {
    const bare = await realHello({ maxVersion: 'TLSv1.2' })
    assert.deepEqual(readClientHello(bare), { kind: 'hello', serverName: '', alpn: [] })
  })

  it('is incomplete at every shorter length and never reads further', () => {
    for (let length = 0; length < hello.length; length++) {
      assert.equal(readClientHello(hello.subarray(0, length)).kind, 'incomplete', `at ${length}`)
    }
    assert.equal(readClientHello(Buffer.concat([hello, Buffer.from('more')])).kind, 'hello')
  })

  for (const size of [1, 3, 4, 5, 100]) {
    it(`is put together from records of ${size} bytes`, () => {
      assert.deepEqual(readClientHello(fragmented(hello, size)), readClientHello(hello))
    })
  }

  it('passes over GREASE', () => {
    const body = Buffer.concat([Buffer.alloc(34, 3), Buffer.from([0, 0, 4, 0x0a, 0x0a, 0x13, 0x01, 1, 0])])
    const extensions = Buffer.from([0x1a, 0x1a, 0, 1, 0, 0, 16, 0, 8, 0, 6, 2, 0x2a, 0x2a, 2, 0x68, 0x32])
    const message = Buffer.concat([body, Buffer.from([0, extensions.length]), extensions])
    const bytes = Buffer.concat([Buffer.from([22, 3, 1, 0, message.length + 4, 1, 0, 0, message.length]), message])
    assert.deepEqual(readClientHello(bytes), { kind: 'hello', serverName: '', alpn: ['**', 'h2'] })
  })

  it('is not there in plain text', () => {
    assert.equal(readClientHello(Buffer.from('GET / HTTP/1.1')).kind, 'plain')
    assert.equal(readClientHello(Buffer.from([22, 2])).kind, 'plain')
    assert.equal(readClientHello(Buffer.from([22])).kind, 'incomplete')
  })

  it('is refused when lengths lie, when it is no hello, and when it is too large', () => {
    const changed = (at: number, value: number): Buffer =>
      Buffer.concat([hello.subarray(0, at), Buffer.from([value]), hello.subarray(at + 1)])
    assert.equal(readClientHello(changed(5, 2)).kind, 'malformed')
    assert.equal(readClientHello(changed(3, 255)).kind, 'malformed')
    assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 0])).kind, 'malformed')
    assert.equal(readClientHello(changed(43, 255)).kind, 'malformed')
    assert.match(JSON.stringify(readClientHello(changed(6, 1))), /larger than/)
    const endless = fragmented(
      Buffer.concat([hello.subarray(0, 5), Buffer.from([1, 0, 0x3f, 0xff]), Buffer.alloc(CLIENT_HELLO_BYTES)]),
      1,
    )
    assert.equal(readClientHello(endless.subarray(0, CLIENT_HELLO_BYTES)).kind, 'malformed')
  })

  it('takes no server name that is not a host name', () => {
    const at = hello.indexOf('App.Example')
    const bytes = Buffer.from(hello)
    bytes[at] = 0
    assert.deepEqual(readClientHello(bytes), { kind: 'hello', serverName: '', alpn: ['h2', 'http/1.1'] })
  })
})

describe('HTTP/2 preface', () => {
  it('is decided as soon as it can be', () => {
    assert.equal(beginsWithPreface(HTTP2_PREFACE, 0, 24), true)
    for (let length = 0; length < 24; length++) assert.equal(beginsWithPreface(HTTP2_PREFACE, 0, length), undefined)
    assert.equal(beginsWithPreface(Buffer.from('POST'), 0, 4), false)
    assert.equal(beginsWithPreface(Buffer.from('PRI / HTTP/1.1'), 0, 14), false)
  })
})

const pairs = { memory: () => ({ ...memoryPair(), dispose: () => undefined }), tcp: () => tcpPair() }

for (const [name, makePair] of Object.entries(pairs)) {
  describe(`sniffing over ${name}`, () => {
    async function run(
      options: Partial<SniffOptions>,
      parts: readonly (Buffer | 'end')[],
      check: (outcome: SniffedFacts | string, next: Recorder, client: Recorder) => Promise<void> | void,
    ): Promise<void> {
      const pair = await makePair()
      const clock = new ManualClock()
      const client = new Recorder(pair.dialled)
      const outcome = new Promise<SniffedFacts | string>((resolve) => {
        const sink = { onSniffed: resolve, onSniffFailed: (cause: { code: string }) => resolve(cause.code) }
        sniff(pair.accepted, { clock, timeoutMs: 1000, tls: true, http2: true, ...options }, sink)
      })
      for (const part of parts) {
        if (part === 'end') client.stream.endWriting()
        else client.stream.write(part, 0, part.length)
        client.stream.flush()
        await turns(3)
      }
      await turns(5)
      clock.advance(2000)
      const facts = await outcome
      await turns(3)
      const next = new Recorder(pair.accepted)
      await check(facts, next, client)
      pair.accepted.reset(closeCause('proxy', 'tcp', 'finished'))
      pair.dialled.reset(closeCause('proxy', 'tcp', 'finished'))
      await until(() => next.cause !== undefined && client.cause !== undefined, 'closed')
      await pair.dispose()
    }

    it('the next owner gets every byte, in order, with what follows', () =>
      run({}, [hello.subarray(0, 3), hello.subarray(3, 60), hello.subarray(60)], async (facts, next, client) => {
        assert.deepEqual(facts, { kind: 'tls', serverName: 'app.example', alpn: ['h2', 'http/1.1'] })
        client.stream.writeLatin1('after')
        await until(() => next.bytes === hello.length + 5, 'all bytes')
        assert.equal(next.text, hello.toString('latin1') + 'after')
        assert.equal(next.stream.bytesRead, hello.length + 5)
      }))

    it('plain HTTP/1.1 with an end at once', () =>
      run({}, [Buffer.from('GET'), 'end'], async (facts, next) => {
        assert.deepEqual(facts, { kind: 'plain', http2: false })
        await until(() => next.ended, 'the end')
        assert.deepEqual([next.text, next.events.join()], ['GET', 'data,end'])
      }))

    it('waits while the bytes are a part of the HTTP/2 preface', () =>
      run({}, [HTTP2_PREFACE.subarray(0, 10), HTTP2_PREFACE.subarray(10)], async (facts, next) => {
        assert.deepEqual(facts, { kind: 'plain', http2: true })
        await until(() => next.bytes === 24, 'the preface')
      }))

    it('a client that ends in mid-preface is plain', () =>
      run({}, [HTTP2_PREFACE.subarray(0, 10), 'end'], (facts) =>
        assert.deepEqual(facts, { kind: 'plain', http2: false }),
      ))

    it('gives up in time, and the bytes are still there', () =>
      run({}, [Buffer.from([22, 3])], async (facts, next) => {
        assert.equal(facts, 'listener_filter_timeout')
        await until(() => next.bytes === 2, 'the bytes')
      }))

    it('refuses a hello that cannot be read', () =>
      run({}, [Buffer.from([22, 3, 1, 0, 0])], (facts) => assert.equal(facts, 'tls_handshake_failed')))

    it('looks only for what it is asked', () =>
      run({ tls: false }, [hello], (facts) => assert.deepEqual(facts, { kind: 'plain', http2: false })))
  })
}

describe('sniffing a client that leaves', () => {
  it('says so', async () => {
    const failed = Promise.withResolvers<string>()
    const listener = await listenTcp(
      { host: '127.0.0.1', port: 0 },
      {
        onAccept: (stream) => {
          const sink = {
            onSniffed: () => failed.reject(new Error('sniffed')),
            onSniffFailed: (cause: { code: string }) => failed.resolve(cause.code),
          }
          sniff(stream, { clock: new ManualClock(), timeoutMs: 1000, tls: true, http2: true }, sink)
        },
        onAcceptError: failed.reject,
      },
    )
    const client = connectTcp(listener.address.port, '127.0.0.1', () => client.resetAndDestroy())
    assert.equal(await failed.promise, 'client_disconnect')
    await new Promise<void>((resolve) => listener.close(resolve))
  })
})
