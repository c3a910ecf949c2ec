import assert from 'node:assert/strict'
import { X509Certificate, createHash } from 'node:crypto'
import { type Socket, connect as connectTcp } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type TLSSocket, connect as connectTls, createServer } from 'node:tls'
import { systemClock } from '../../../src/core/clock.ts'
import { type CloseCause, closeCause } from '../../../src/core/close-cause.ts'
import { listenTcp, type StreamListener } from '../../../src/transport/listen.ts'
import type { ReplayableStream } from '../../../src/transport/replay.ts'
import { sniff } from '../../../src/transport/sniff.ts'
import {
  TlsClient,
  type TlsClientOptions,
  TlsServer,
  type TlsServerOptions,
  dialTls,
} from '../../../src/transport/tls.ts'
import { Recorder, byteStreamConformance, turns, until } from '../../conformance/byte-stream.ts'
import { type Authority, makeAuthority } from './certificates.ts'
import { tcpPair } from './socket-pairs.ts'

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
const KILL = closeCause('operator', 'server', 'admin_close', 'test')

const authority: Authority = await makeAuthority()
const otherRoot: Authority = await makeAuthority('Other Root')
const serverIdentity = await authority.issue(['a.example', '*.wild.example'])
const otherIdentity = await authority.issue(['b.example'])

const serverOptions = (more: Partial<TlsServerOptions> = {}): TlsServerOptions => ({
  ...common,
  certificates: [serverIdentity],
  requireClientCertificate: false,
  sessionTicketKeys: [],
  statelessResumption: true,
  statefulResumption: true,
  sessionTimeout: undefined,
  ...more,
})

const clientOptions = (more: Partial<TlsClientOptions> = {}): TlsClientOptions => ({
  ...common,
  maxSessionKeys: 1,
  ...more,
})

const trust = (pem: Buffer, more = {}): NonNullable<TlsClientOptions['validation']> => ({
  ...{ trustedCa: pem, systemRoots: false, crl: undefined, spkiPins: [], certificateHashes: [] },
  ...{ allowExpired: false, acceptUntrusted: false, maxVerifyDepth: undefined },
  ...more,
})

interface Shaken {
  readonly accepted: ReplayableStream | CloseCause
  readonly dialled: ReplayableStream | CloseCause
  readonly dispose: () => Promise<void>
}

/** Shakes hands over a new TCP connection; each side is its stream or why it failed. */
async function shake(server: TlsServer, client: TlsClient, serverName = 'a.example'): Promise<Shaken> {
  const pair = await tcpPair()
  const outcome = (
    begin: (sink: { onSecure(s: ReplayableStream): void; onHandshakeError(c: CloseCause): void }) => unknown,
  ) => new Promise<ReplayableStream | CloseCause>((resolve) => begin({ onSecure: resolve, onHandshakeError: resolve }))
  const [accepted, dialled] = await Promise.all([
    outcome((sink) => server.accept(pair.accepted, limits, sink)),
    outcome((sink) => client.connect(pair.dialled, serverName, limits, sink)),
  ])
  return { accepted, dialled, dispose: pair.dispose }
}

async function closeAll(shaken: Shaken): Promise<void> {
  for (const end of [shaken.accepted, shaken.dialled]) {
    if (!('write' in end)) continue
    end.reset(KILL)
    const recorder = new Recorder(end)
    await until(() => recorder.cause !== undefined, 'closed')
  }
  await shaken.dispose()
}

const asStream = (end: ReplayableStream | CloseCause): ReplayableStream => {
  assert.ok('write' in end, JSON.stringify(end))
  return end
}
const asCause = (end: ReplayableStream | CloseCause): CloseCause => {
  assert.ok(!('write' in end), 'the handshake succeeded')
  return end
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  byteStreamConformance(`tls (${version})`, async () => {
    const versions = { minVersion: version, maxVersion: version }
    const shaken = await shake(new TlsServer(serverOptions(versions)), new TlsClient(clientOptions(versions)))
    // A reset that meets the server's session tickets on their way is seen as an end by the runtime's TLS.
    await turns(20)
    return { accepted: asStream(shaken.accepted), dialled: asStream(shaken.dialled), dispose: shaken.dispose }
  })
}

describe('TLS facts and choices', () => {
  it('fills in the facts of the session', async () => {
    const server = new TlsServer(serverOptions({ alpn: ['h2', 'http/1.1'] }))
    const client = new TlsClient(clientOptions({ alpn: ['http/1.1'], validation: trust(authority.pem) }))
    const shaken = await shake(server, client, 'A.Example')
    const down = asStream(shaken.accepted).info.tls
    const up = asStream(shaken.dialled).info.tls
    assert.equal(down?.version, 'TLSv1.3')
    assert.match(down?.cipher ?? '', /^TLS_/)
    assert.equal(down?.serverName, 'a.example')
    assert.equal(down?.alpn, 'http/1.1')
    assert.equal(down?.peerCertificate, undefined)
    assert.deepEqual(up?.peerCertificate, new X509Certificate(serverIdentity.certificateChain).raw)
    assert.equal(up?.peerVerified, true)
    assert.equal(up?.alpn, 'http/1.1')
    assert.match(asStream(shaken.accepted).info.remote.text, /^127\.0\.0\.1:\d+$/)
    await closeAll(shaken)
  })

  for (const [name, expected] of [
    ['a.example', 'a.example'],
    ['b.example', 'b.example'],
    ['x.wild.example', 'a.example'],
    ['x.y.wild.example', 'a.example'],
    ['unknown.example', 'a.example'],
  ] as const) {
    it(`serves the certificate of ${expected} to a client that asks for ${name}`, async () => {
      const server = new TlsServer(serverOptions({ certificates: [serverIdentity, otherIdentity] }))
      const shaken = await shake(server, new TlsClient(clientOptions()), name)
      const certificate = new X509Certificate(asStream(shaken.dialled).info.tls?.peerCertificate ?? '')
      // Two certificates of one key type share a context, where the first must win.
      assert.match(certificate.subject, new RegExp(expected.replace('.', '\\.')))
      await closeAll(shaken)
    })
  }

  it('resumes a session with the same destination, each ticket once', async () => {
    const server = new TlsServer(serverOptions())
    const client = new TlsClient(clientOptions({ maxSessionKeys: 2 }))
    const listener = await echoListener(server)
    const reused: boolean[] = []
    for (let i = 0; i < 3; i++) {
      const stream = await dialOnce(listener, client)
      reused.push(stream.info.tls?.sessionReused === true)
      const recorder = new Recorder(stream)
      stream.writeLatin1('x')
      await until(() => recorder.text === 'x', 'the echo, behind which the tickets came')
      stream.reset(KILL)
      await until(() => recorder.cause !== undefined, 'closed')
    }
    assert.deepEqual(reused, [false, true, true])
    await new Promise<void>((resolve) => listener.close(resolve))
  })
})

async function echoListener(server: TlsServer): Promise<StreamListener> {
  return listenTcp(
    { host: '127.0.0.1', port: 0 },
    {
      onAccept: (stream) =>
        server.accept(stream, limits, {
          onSecure(secure) {
            const recorder = new Recorder(secure)
            recorder.onChunk = () => secure.writeLatin1(recorder.text)
          },
          onHandshakeError: () => undefined,
        }),
      onAcceptError: (error) => assert.fail(error),
    },
  )
}

function dialOnce(listener: StreamListener, client: TlsClient): Promise<ReplayableStream> {
  const options = { ...limits, connectTimeoutMs: 5000, host: '127.0.0.1', port: listener.address.port }
  return new Promise((resolve, reject) => {
    dialTls(options, client, 'a.example', {
      onConnect: resolve,
      onConnectError: (cause) => reject(new Error(cause.detail)),
    })
  })
}

describe('TLS judgement', () => {
  const leafHash = createHash('sha256').update(new X509Certificate(serverIdentity.certificateChain).raw).digest('hex')
  const spki = createHash('sha256')
    .update(new X509Certificate(serverIdentity.certificateChain).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
  const none = Buffer.alloc(0)
  const unpinned = { trustedCa: undefined }

  const passes: Record<string, Partial<TlsClientOptions>> = {
    'a chain to a configured root': { validation: trust(authority.pem) },
    'a hash pin without a root': { validation: trust(none, { ...unpinned, certificateHashes: [leafHash] }) },
    'a key pin without a root': { validation: trust(none, { ...unpinned, spkiPins: [spki] }) },
    'either kind of pin': { validation: trust(authority.pem, { spkiPins: [spki], certificateHashes: ['00'] }) },
    'an untrusted chain when told so': { validation: trust(Buffer.from(otherRoot.pem), { acceptUntrusted: true }) },
    'a subject that the hook accepts': { validation: trust(authority.pem), verifySubject: () => undefined },
    'anything without a validation': {},
  }
  for (const [title, options] of Object.entries(passes)) {
    it(`accepts ${title}`, async () => {
      const shaken = await shake(new TlsServer(serverOptions()), new TlsClient(clientOptions(options)))
      asStream(shaken.dialled)
      await closeAll(shaken)
    })
  }

  const refusals: Record<string, [Partial<TlsClientOptions>, RegExp]> = {
    'a chain to another root': [{ validation: trust(Buffer.from(otherRoot.pem)) }, /not trusted/],
    'a wrong hash pin': [{ validation: trust(authority.pem, { certificateHashes: ['00'] }) }, /pinned/],
    'a subject that the hook refuses': [
      { validation: trust(authority.pem), verifySubject: () => 'no name matches' },
      /no name matches/,
    ],
  }
  for (const [title, [options, expected]] of Object.entries(refusals)) {
    it(`refuses ${title}`, async () => {
      const shaken = await shake(new TlsServer(serverOptions()), new TlsClient(clientOptions(options)))
      const cause = asCause(shaken.dialled)
      assert.equal(cause.code, 'upstream_tls_failure')
      assert.equal(cause.layer, 'tls')
      assert.match(cause.detail, expected)
      await closeAll(shaken)
    })
  }

  it('refuses an expired certificate unless told otherwise', async () => {
    const past = { notBefore: new Date(Date.now() - 7200_000), notAfter: new Date(Date.now() - 3600_000) }
    const server = new TlsServer(serverOptions({ certificates: [await authority.issue(['a.example'], past)] }))
    const strict = await shake(server, new TlsClient(clientOptions({ validation: trust(authority.pem) })))
    assert.match(asCause(strict.dialled).detail, /CERT_HAS_EXPIRED/)
    await closeAll(strict)
    const lax = await shake(
      server,
      new TlsClient(clientOptions({ validation: trust(authority.pem, { allowExpired: true }) })),
    )
    asStream(lax.dialled)
    await closeAll(lax)
  })

  it('asks for a client certificate, judges it, and shows it', async () => {
    const server = new TlsServer(serverOptions({ requireClientCertificate: true, validation: trust(authority.pem) }))
    const identity = await authority.issue(['client.example'])
    const good = await shake(server, new TlsClient(clientOptions({ certificates: [identity] })))
    assert.deepEqual(
      asStream(good.accepted).info.tls?.peerCertificate,
      new X509Certificate(identity.certificateChain).raw,
    )
    assert.equal(asStream(good.accepted).info.tls?.peerVerified, true)
    await closeAll(good)
    const bare = await shake(server, new TlsClient(clientOptions()))
    assert.equal(asCause(bare.accepted).code, 'tls_handshake_failed')
    assert.match(asCause(bare.accepted).detail, /sent no certificate/)
    await closeAll(bare)
    const foreign = await shake(
      server,
      new TlsClient(clientOptions({ certificates: [await otherRoot.issue(['client.example'])] })),
    )
    assert.match(asCause(foreign.accepted).detail, /not trusted/)
    await closeAll(foreign)
  })

  it('fails with a sentence when the versions do not meet', async () => {
    const server = new TlsServer(serverOptions({ minVersion: 'TLSv1.3' }))
    const shaken = await shake(server, new TlsClient(clientOptions({ maxVersion: 'TLSv1.2' })))
    assert.equal(asCause(shaken.accepted).code, 'tls_handshake_failed')
    assert.match(asCause(shaken.accepted).detail, /version|protocol/i)
    assert.equal(asCause(shaken.dialled).code, 'upstream_tls_failure')
    await closeAll(shaken)
  })
})

describe('TLS with independent peers', () => {
  let listener: StreamListener
  let server: TlsServer
  let accept: (stream: ReplayableStream) => void
  before(async () => {
    server = new TlsServer(serverOptions())
    listener = await listenTcp(
      { host: '127.0.0.1', port: 0 },
      { onAccept: (s) => accept(s), onAcceptError: (e) => assert.fail(e) },
    )
  })
  after(() => new Promise<void>((resolve) => listener.close(resolve)))

  it('takes over from the sniffer, and data that came with the handshake is not lost', async () => {
    const arrived = Promise.withResolvers<Recorder>()
    accept = (stream) => {
      sniff(
        stream,
        { clock: systemClock, timeoutMs: 5000, tls: true, http2: false },
        {
          onSniffed(facts) {
            assert.deepEqual(facts, { kind: 'tls', serverName: 'a.example', alpn: ['h2', 'http/1.1'] })
            server.accept(stream, limits, {
              onSecure: (secure) => setTimeout(() => arrived.resolve(new Recorder(secure)), 30),
              onHandshakeError: (cause) => arrived.reject(new Error(cause.detail)),
            })
          },
          onSniffFailed: (cause) => arrived.reject(new Error(cause.detail)),
        },
      )
    }
    const greeting = { servername: 'a.example', ca: [authority.pem], ALPNProtocols: ['h2', 'http/1.1'] }
    const client: TLSSocket = connectTls({
      socket: connectTcp({ port: listener.address.port, allowHalfOpen: true }),
      ...greeting,
    })
    client.write('early')
    client.end(' and last')
    const recorder = await arrived.promise
    await until(() => recorder.ended, 'the end')
    assert.equal(recorder.text, 'early and last')
    assert.equal(recorder.stream.bytesRead, 14)
    const answer = Promise.withResolvers<string>()
    client.once('data', (chunk: Buffer) => answer.resolve(chunk.toString()))
    recorder.stream.writeLatin1('after your end')
    assert.equal(await answer.promise, 'after your end')
    recorder.stream.endWriting()
    await until(() => recorder.cause !== undefined, 'closed')
    assert.equal(recorder.cause?.code, 'finished')
    client.destroy()
  })

  it('answers garbage with a cause and outlives it', async () => {
    const failed = Promise.withResolvers<CloseCause>()
    accept = (stream) =>
      server.accept(stream, limits, {
        onSecure: () => failed.reject(new Error('secure')),
        onHandshakeError: failed.resolve,
      })
    const client: Socket = connectTcp(listener.address.port, '127.0.0.1')
    client.on('error', () => undefined)
    client.write('GET / HTTP/1.1\r\n\r\n')
    const cause = await failed.promise
    assert.equal(cause.by, 'client')
    assert.equal(cause.code, 'tls_handshake_failed')
    assert.match(cause.detail, /http request/)
    client.destroy()
  })

  it('gives up a handshake in time, and one whose client left', async () => {
    for (const [timeoutMs, leave, expected] of [
      [40, false, /within 40 ms/],
      [5000, true, /closed|disconnected|hang up|ECONNRESET/],
    ] as const) {
      const failed = Promise.withResolvers<CloseCause>()
      accept = (stream) =>
        server.accept(
          stream,
          { clock: systemClock, timeoutMs },
          { onSecure: () => undefined, onHandshakeError: failed.resolve },
        )
      const client: Socket = connectTcp(listener.address.port, '127.0.0.1')
      client.on('error', () => undefined)
      client.write(Buffer.from([0x16, 3, 1]), () => leave && client.destroy())
      const cause = await failed.promise
      assert.match(cause.detail, expected)
      client.destroy()
    }
  })

  it('dials an independent server, and a handshake to a silent one ends in time', async () => {
    const peer = createServer({ key: serverIdentity.privateKey, cert: serverIdentity.certificateChain }, (socket) =>
      socket.pipe(socket),
    )
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve))
    const address = peer.address()
    assert.ok(address !== null && typeof address === 'object')
    const client = new TlsClient(clientOptions({ validation: trust(authority.pem) }))
    const options = { ...limits, connectTimeoutMs: 5000, host: '127.0.0.1', port: address.port }
    const stream = await new Promise<ReplayableStream>((resolve, reject) => {
      dialTls(options, client, 'a.example', {
        onConnect: resolve,
        onConnectError: (cause) => reject(new Error(cause.detail)),
      })
    })
    const recorder = new Recorder(stream)
    stream.writeLatin1('echo')
    await until(() => recorder.text === 'echo', 'the echo')
    stream.endWriting()
    await until(() => recorder.cause !== undefined, 'closed')
    await new Promise<void>((resolve) => peer.close(() => resolve()))
    accept = (silent) => new Recorder(silent)
    const cause = await new Promise<CloseCause>((resolve, reject) => {
      const silent = { ...limits, connectTimeoutMs: 60, host: '127.0.0.1', port: listener.address.port }
      dialTls(silent, client, 'a.example', { onConnect: () => reject(new Error('secure')), onConnectError: resolve })
    })
    assert.match(cause.detail, /within \d+/)
  })
})
