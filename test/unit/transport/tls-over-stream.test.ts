// TLS over what is not a plain socket: a connection within the process, and another TLS session.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { type CloseCause, closeCause } from '../../../src/core/close-cause.ts'
import { memoryPair } from '../../../src/transport/memory.ts'
import type { ReplayableStream } from '../../../src/transport/replay.ts'
import { TlsClient, TlsServer } from '../../../src/transport/tls.ts'
import { Recorder, type StreamPair, byteStreamConformance, until } from '../../conformance/byte-stream.ts'
import { makeAuthority } from './certificates.ts'
import { type SocketPair, tcpPair } from './socket-pairs.ts'

const common = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: undefined,
  curves: undefined,
  signatureAlgorithms: undefined,
  certificates: [],
  validation: undefined,
  alpn: [],
  keyLogPath: undefined,
} as const
const limits = { clock: systemClock, timeoutMs: 5000 }
const authority = await makeAuthority()
const identity = await authority.issue(['a.example'])
const server = new TlsServer({
  ...common,
  certificates: [identity],
  requireClientCertificate: false,
  sessionTicketKeys: [],
  statelessResumption: true,
  statefulResumption: true,
  sessionTimeout: undefined,
})
const client = new TlsClient({ ...common, maxSessionKeys: 1 })

type Outcome = ReplayableStream | CloseCause

function outcome(
  begin: (sink: { onSecure(s: ReplayableStream): void; onHandshakeError(c: CloseCause): void }) => unknown,
): Promise<Outcome> {
  return new Promise((resolve) => begin({ onSecure: resolve, onHandshakeError: resolve }))
}

async function secured(pair: Pick<SocketPair, 'accepted' | 'dialled'>): Promise<Omit<SocketPair, 'dispose'>> {
  const [accepted, dialled] = await Promise.all([
    outcome((sink) => server.accept(pair.accepted, limits, sink)),
    outcome((sink) => client.connect(pair.dialled, 'a.example', limits, sink)),
  ])
  assert.ok('write' in accepted && 'write' in dialled, 'the handshake succeeds')
  return { accepted, dialled }
}

async function overMemory(): Promise<StreamPair> {
  return { ...(await secured(memoryPair({ poison: true }))), dispose: () => undefined }
}

async function overTls(): Promise<StreamPair> {
  const pair = await tcpPair()
  return { ...(await secured(await secured(pair))), dispose: () => pair.dispose() }
}

byteStreamConformance('tls over a connection within the process', overMemory)
byteStreamConformance('tls over tls', overTls)

describe('TLS over a stream', () => {
  it('takes bytes that were put back first', async () => {
    const { accepted, dialled } = memoryPair()
    const shaken = outcome((sink) => client.connect(dialled, 'a.example', limits, sink))
    const looked = Promise.withResolvers<Buffer>()
    accepted.setSink({
      onData: (buffer, start, end) => {
        const bytes = Buffer.from(buffer.subarray(start, end))
        accepted.unread(bytes)
        looked.resolve(bytes)
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    })
    assert.equal((await looked.promise)[0], 0x16)
    const served = await outcome((sink) => server.accept(accepted, limits, sink))
    const dialledTls = await shaken
    assert.ok('write' in served && 'write' in dialledTls)
    assert.equal(served.info.tls?.serverName, 'a.example')
    const recorder = new Recorder(served)
    const other = new Recorder(dialledTls)
    dialledTls.writeLatin1('hello')
    await until(() => recorder.text === 'hello', 'the bytes')
    dialledTls.reset(closeCause('proxy', 'http', 'finished'))
    await until(() => recorder.cause !== undefined && other.cause !== undefined, 'both closed')
    assert.equal(recorder.cause?.code, 'client_disconnect')
  })

  it('fails when the peer leaves in mid-handshake, resets, or says nothing', async () => {
    for (const [leave, timeoutMs, expected] of [
      [(stream: ReplayableStream) => stream.endWriting(), 5000, /clos|disconnect|hang up/],
      [(stream: ReplayableStream) => stream.reset(closeCause('proxy', 'tcp', 'finished')), 5000, /reset|clos/],
      [() => undefined, 40, /within 40 ms/],
    ] as const) {
      const { accepted, dialled } = memoryPair()
      const shaken = outcome((sink) => client.connect(dialled, '', { clock: systemClock, timeoutMs }, sink))
      const recorder = new Recorder(accepted)
      await until(() => recorder.bytes > 0, 'the hello')
      leave(accepted)
      const failed = await shaken
      assert.ok('code' in failed)
      assert.equal(failed.code, 'upstream_tls_failure')
      assert.match(failed.detail, expected)
      accepted.endWriting()
      await until(() => recorder.cause !== undefined, 'the other end closed')
    }
  })

  it('says nothing more after it was cancelled', async () => {
    const { accepted, dialled } = memoryPair()
    const recorder = new Recorder(accepted)
    let calls = 0
    const dial = client.connect(dialled, '', limits, {
      onSecure: () => calls++,
      onHandshakeError: () => calls++,
    })
    await until(() => recorder.bytes > 0, 'the hello')
    dial.cancel()
    await until(() => recorder.ended, 'the end')
    accepted.endWriting()
    await until(() => recorder.cause !== undefined, 'closed')
    assert.equal(calls, 0)
  })
})
