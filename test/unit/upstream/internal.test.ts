// Connections to internal listeners: what passes, and TLS on a connection that never leaves the process.

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import type { CloseCause } from '../../../src/core/close-cause.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'
import type { ByteStreamSink } from '../../../src/transport/byte-stream.ts'
import type { ReplayableStream } from '../../../src/transport/replay.ts'
import { TlsServer } from '../../../src/transport/tls.ts'
import { authority } from '../../support/certificates.ts'
import { nothingLeft } from '../../support/leaks.ts'
import { NEED, client, clusterAt, connected, refused, rig, tlsTrusting } from './build.ts'

after(nothingLeft)

const INSIDE = { kind: 'internal', listener: 'inside', endpointId: 'e1', place: NOWHERE } as const

class Echo implements ByteStreamSink {
  readonly #stream: ReplayableStream

  constructor(stream: ReplayableStream) {
    this.#stream = stream
  }

  static on(stream: ReplayableStream): void {
    stream.setSink(new Echo(stream))
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.#stream.write(buffer, start, end)
  }

  onEnd(): void {
    this.#stream.endWriting()
  }

  onDrain(): void {
    // The answers are short.
  }

  onClose(_cause: CloseCause): void {
    // Nothing is held.
  }
}

describe('a connection to an internal listener', () => {
  it('carries bytes, filter state and metadata, and is named as Envoy names it', async () => {
    const metadata = new Map([['tunnel', new Map([['address', '192.0.2.9:80']])]])
    const internalPassthrough = [{ from: 'host', namespace: 'tunnel' }] as const
    const { upstream, internal, stop } = rig(clusterAt(INSIDE, { internalPassthrough }, { metadata }))
    assert.equal(upstream.needsOrigin, true)
    const accepted: ReplayableStream[] = []
    internal.listen('inside', {
      accepting: true,
      onAccept(stream) {
        accepted.push(stream)
        Echo.on(stream)
      },
    })
    const origin = client()
    origin.info.state?.filterState.set('envoy.string', 'passed')
    const open = await connected(upstream, { ...NEED, downstream: origin })
    await open.exchange('round', 'round')
    assert.equal(open.stream.info.remote.text, 'envoy://inside/e1')
    assert.equal(accepted[0]?.info.state?.filterState.get('envoy.string'), 'passed')
    assert.equal(accepted[0]?.info.state?.metadata.get('tunnel')?.get('address'), '192.0.2.9:80')
    assert.notEqual(accepted[0]?.info.state, origin.info.state)
    await open.close()
    stop()
  })

  it('passes nothing unless the configuration says so', async () => {
    const { upstream, internal, stop } = rig(clusterAt(INSIDE))
    const accepted: ReplayableStream[] = []
    internal.listen('inside', {
      accepting: true,
      onAccept(stream) {
        accepted.push(stream)
        Echo.on(stream)
      },
    })
    const origin = client()
    origin.info.state?.filterState.set('envoy.string', 'kept')
    const open = await connected(upstream, { ...NEED, downstream: origin })
    await open.exchange('round', 'round')
    assert.equal(accepted[0]?.info.state, undefined)
    await open.close()
    stop()
  })

  it('fails when there is none, or it drains', async () => {
    const { upstream, internal, stop } = rig(clusterAt(INSIDE))
    assert.match((await refused(upstream)).explanation, /there is no internal listener "inside"/)
    internal.listen('inside', { accepting: false, onAccept: () => undefined })
    assert.match((await refused(upstream)).explanation, /"inside" is draining/)
    stop()
  })

  it('carries TLS with SNI and verified certificates', async () => {
    const ca = await authority()
    const leaf = await ca.issue({ name: 'inside', dns: ['inside.test'] })
    const server = new TlsServer({
      ...tlsTrusting(ca.certificate),
      validation: undefined,
      certificates: [
        { certificateChain: Buffer.from(leaf.certificate), privateKey: Buffer.from(leaf.key), password: undefined },
      ],
      alpn: ['h2', 'tunnel'],
      requireClientCertificate: false,
      sessionTicketKeys: [],
      statelessResumption: true,
      statefulResumption: true,
      sessionTimeout: undefined,
    })
    const tls = tlsTrusting(ca.certificate, { sni: 'inside.test', autoSanValidation: true, alpn: ['tunnel'] })
    const { upstream, internal, stop } = rig(clusterAt(INSIDE, { tls }))
    const names: string[] = []
    internal.listen('inside', {
      accepting: true,
      onAccept: (stream) =>
        server.accept(
          stream,
          { clock: systemClock, timeoutMs: 5000 },
          {
            onSecure(secure) {
              names.push(secure.info.tls?.serverName ?? '')
              Echo.on(secure)
            },
            onHandshakeError: (cause) => names.push(cause.detail),
          },
        ),
    })
    for (let i = 0; i < 2; i++) {
      const open = await connected(upstream, { ...NEED, serverName: 'inside.test' })
      await open.exchange('secret', 'secret')
      assert.equal(open.stream.info.tls?.alpn, 'tunnel')
      assert.equal(open.stream.info.tls?.peerVerified, true)
      await open.close()
    }
    assert.deepEqual(names, ['inside.test', 'inside.test'])
    stop()
  })
})
