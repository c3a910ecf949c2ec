// Connections for one owner: dialled, counted, cancelled, refused.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { nothingLeft } from '../../support/leaks.ts'
import { startTcpTarget } from '../../support/tcp-target.ts'
import { until } from '../../support/waiting.ts'
import { endpointConfig } from '../cluster/build.ts'
import { NEED, clusterAt, clusterOn, connected, limits, refused, rig, tlsTrusting } from './build.ts'
import { cluster } from '../cluster/build.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'

after(nothingLeft)

const pipeAt = (path: string) => ({ kind: 'pipe', path, mode: 0, place: NOWHERE }) as const

/** A port that refuses: something listened there a moment ago. */
async function deadPort(): Promise<number> {
  const target = await startTcpTarget()
  await target.stop()
  return target.port
}

describe('a connection for one owner', () => {
  it('carries bytes both ways and is counted until it is released', async () => {
    const target = await startTcpTarget()
    const { upstream, stop } = rig(clusterOn(target.port))
    const open = await connected(upstream)
    const peer = await target.next()
    peer.resume().on('data', (chunk: Buffer) => peer.write(chunk))
    await open.exchange('hello', 'hello')
    const { stats, runtime } = upstream
    const [endpoint] = runtime.endpoints
    assert.equal(open.connection.endpoint, endpoint)
    assert.ok(open.connection.id > 0)
    assert.deepEqual([stats.upstreamCxTotal.value, stats.upstreamCxActive.value, endpoint?.stats.cxActive], [1, 1, 1])
    assert.equal(upstream.breakers('default').active('connection'), 1)
    assert.equal(upstream.breakers('default').active('pending'), 0)
    peer.end()
    await until(() => open.ended || undefined, { what: 'the end' })
    open.stream.endWriting()
    const cause = await until(() => open.cause, { what: 'the close' })
    assert.equal(cause.by, 'upstream')
    // A second release must not give back another's slot.
    open.connection.release(cause)
    assert.deepEqual(
      [stats.upstreamCxActive.value, stats.upstreamCxDestroy.value, stats.upstreamCxDestroyRemote.value],
      [0, 1, 1],
    )
    assert.deepEqual([stats.upstreamCxRxBytesTotal.value, stats.upstreamCxTxBytesTotal.value], [5, 5])
    assert.deepEqual([stats.upstreamCxLengthMs.count, stats.upstreamCxConnectMs.count], [1, 1])
    assert.equal(upstream.breakers('default').active('connection'), 0)
    stop()
    await target.stop()
  })

  it('fails with the reason of the system when nobody listens', async () => {
    const port = await deadPort()
    const { upstream, stop } = rig(clusterOn(port))
    const failure = await refused(upstream)
    assert.equal(failure.code, 'upstream_connection_failure')
    assert.equal(failure.explanation, `127.0.0.1:${port}: connection refused (ECONNREFUSED)`)
    assert.equal(failure.endpoint, upstream.runtime.endpoints[0])
    const { stats } = upstream
    assert.deepEqual([stats.upstreamCxConnectFail.value, stats.upstreamCxTotal.value], [1, 0])
    assert.equal(upstream.breakers('default').active('connection'), 0)
    assert.equal(stats.upstreamRqPendingActive.value, 0)
    stop()
  })

  it('fails in time when a TLS peer is silent', async () => {
    const target = await startTcpTarget()
    const { upstream, stop } = rig(clusterOn(target.port, { connectTimeoutMs: 60, tls: tlsTrusting('') }))
    const failure = await refused(upstream)
    assert.equal(failure.code, 'upstream_connection_timeout')
    assert.match(failure.transportFailure, /TLS handshake: not complete within \d+ ms/)
    assert.equal(upstream.stats.upstreamCxConnectTimeout.value, 1)
    stop()
    await target.stop()
  })

  it('prefers an endpoint that was not tried', async () => {
    const [one, two] = [await startTcpTarget(), await startTcpTarget()]
    const at = (port: number) =>
      endpointConfig('127.0.0.1', { address: { kind: 'socket', host: '127.0.0.1', port, place: NOWHERE } })
    const { upstream, stop } = rig(cluster({ endpoints: [at(one.port), at(two.port)] }))
    const [first] = upstream.runtime.endpoints
    assert.ok(first !== undefined)
    for (let i = 0; i < 6; i++) {
      const open = await connected(upstream, { ...NEED, tried: [first] })
      assert.notEqual(open.connection.endpoint, first)
      await open.close()
    }
    stop()
    await Promise.all([one.stop(), two.stop()])
  })

  it('is given up without a call, and the dial with it', async () => {
    // A backlog that is never accepted from: the TLS handshake hangs.
    const target = await startTcpTarget()
    const { upstream, stop } = rig(clusterOn(target.port, { tls: tlsTrusting('') }))
    let calls = 0
    const ticket = upstream.connect(NEED, { onConnected: () => calls++, onConnectFailed: () => calls++ })
    const peer = await target.next()
    const gone = new Promise((resolve) =>
      peer
        .resume()
        .on('close', resolve)
        .on('end', () => peer.end()),
    )
    ticket?.cancel()
    await gone
    ticket?.cancel()
    assert.equal(calls, 0)
    const { stats } = upstream
    assert.deepEqual([stats.upstreamRqCancelled.value, stats.upstreamCxConnectFail.value], [1, 0])
    assert.equal(upstream.breakers('default').active('connection'), 0)
    assert.equal(upstream.breakers('default').active('pending'), 0)
    stop()
    await target.stop()
  })

  it('is refused beyond max_connections and max_pending_requests, and admitted when a slot is free', async () => {
    const target = await startTcpTarget()
    const breakers = { default: limits({ maxConnections: 1 }), high: limits({ maxPendingRequests: 0 }) }
    const { upstream, stop } = rig(clusterOn(target.port, { circuitBreakers: breakers }))
    const open = await connected(upstream)
    const failure = await refused(upstream)
    assert.equal(failure.code, 'upstream_overflow')
    assert.match(failure.explanation, /max_connections of cluster "app"/)
    assert.equal(upstream.stats.upstreamCxOverflow.value, 1)
    const high = await refused(upstream, { ...NEED, priority: 'high' })
    assert.match(high.explanation, /max_pending_requests/)
    assert.equal(upstream.stats.upstreamRqPendingOverflow.value, 1)
    assert.equal(upstream.breakers('high').active('connection'), 0)
    await open.close()
    const again = await connected(upstream)
    await again.close()
    stop()
    await target.stop()
  })

  it('fails when the cluster is closed under it', async () => {
    const target = await startTcpTarget()
    const { upstream, stop } = rig(clusterOn(target.port, { tls: tlsTrusting('') }))
    const failing = refused(upstream)
    const peer = await target.next()
    peer.resume()
    stop()
    assert.equal((await failing).explanation, 'the test is over')
    assert.equal(upstream.breakers('default').active('connection'), 0)
    await target.stop()
  })

  it('goes to a Unix socket', async () => {
    const path = `\0sluice-raw-${process.pid}`
    const server = createServer((peer) => peer.end('from a pipe'))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const { upstream, stop } = rig(clusterAt(pipeAt(`@${path.slice(1)}`)))
    const open = await connected(upstream)
    await until(() => open.ended || undefined, { what: 'the end' })
    assert.equal(open.text, 'from a pipe')
    await open.close()
    stop()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
})
