// Connections through an HTTP proxy: squid and tinyproxy as companies run them, TLS on either leg, and refusals.

import assert from 'node:assert/strict'
import { createServer as createHttp } from 'node:http'
import { createServer as createTcp, connect as connectTcp } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createServer as createTls } from 'node:tls'
import { HeaderList } from '../../../src/codec/header-list.ts'
import type { RequestHead } from '../../../src/codec/http-stream.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'
import { type Authority, type Leaf, authority } from '../../support/certificates.ts'
import { startSquid, startTinyproxy } from '../../support/forward-proxies.ts'
import { nothingLeft } from '../../support/leaks.ts'
import { type TcpTarget, startTcpTarget } from '../../support/tcp-target.ts'
import { needs } from '../../support/tools.ts'
import { until } from '../../support/waiting.ts'
import { socket } from '../cluster/build.ts'
import { NEED, STREAM_NEED, clusterOn, connected, proxyOn, refused, rig, tlsTrusting } from './build.ts'

let ca: Authority
let leaf: Leaf
before(async () => {
  ca = await authority()
  leaf = await ca.issue({ name: 'origin', dns: ['origin.test', 'proxy.test'] })
})
after(nothingLeft)

const LOGIN = { user: 'alice', password: 'pa:ss wörd' }
const ASCII_LOGIN = { user: 'alice', password: 'opensesame' }

/** A TLS origin of the runtime's own that echoes and says whom it was asked for. */
async function tlsEcho() {
  const names: (string | false | null)[] = []
  const server = createTls({ cert: leaf.certificate, key: leaf.key }, (peer) => {
    names.push(peer.servername)
    peer.on('error', () => undefined)
    peer.pipe(peer)
  })
  const port = await listen(server)
  return { port, names, stop: () => closed(server) }
}

/** A forward proxy of the runtime's own, in the clear or under TLS; it keeps the heads that it saw. */
async function nodeProxy(secure: boolean) {
  const heads: { target: string; headers: NodeJS.Dict<string | string[]> }[] = []
  const proxy = createHttp((incoming, outgoing) => {
    heads.push({ target: incoming.url ?? '', headers: incoming.headers })
    outgoing.end('absolute')
  })
  proxy.on('connect', (incoming, peer, head) => {
    heads.push({ target: incoming.url ?? '', headers: incoming.headers })
    const { port } = new URL(`http://${incoming.url}`)
    const upstream = connectTcp(Number(port), '127.0.0.1', () => {
      // The answer and the first bytes of the far side in one piece.
      upstream.once('readable', () => undefined)
      peer.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(peer)
      peer.pipe(upstream)
    })
    upstream.on('error', () => peer.destroy())
    peer.on('error', () => upstream.destroy())
  })
  const front = secure
    ? createTls({ cert: leaf.certificate, key: leaf.key }, (peer) => proxy.emit('connection', peer))
    : createTcp((peer) => proxy.emit('connection', peer))
  const port = await listen(front)
  return {
    port,
    heads,
    stop: () => {
      proxy.closeAllConnections()
      return closed(front)
    },
  }
}

/** A proxy that answers every CONNECT with `answer` and keeps what it read. */
async function scriptedProxy(answer: string) {
  let seen = ''
  const server = createTcp((peer) => {
    peer.on('error', () => undefined)
    peer.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1')
      if (seen.includes('\r\n\r\n') && answer !== '') peer.write(answer)
    })
  })
  const port = await listen(server)
  return { port, seen: () => seen, stop: () => closed(server) }
}

type Listening = ReturnType<typeof createTcp>

function listen(server: Listening): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    }),
  )
}

const closed = (server: Listening): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

async function echoing(target: TcpTarget): Promise<void> {
  const peer = await target.next()
  peer.resume().on('data', (chunk: Buffer) => peer.write(chunk))
}

describe('a connection through a proxy of others', () => {
  for (const [name, start] of [
    ['squid', startSquid],
    ['tinyproxy', startTinyproxy],
  ] as const) {
    it(`goes through ${name} with Basic credentials, and TLS end to end inside`, needs(name), async () => {
      const proxy = await start(ASCII_LOGIN)
      const origin = await tlsEcho()
      const httpProxy = proxyOn(proxy.port, { basicCredentials: 'alice:opensesame' })
      const tls = tlsTrusting(ca.certificate, { sni: 'origin.test' })
      const { upstream, stop } = rig(clusterOn(origin.port, { httpProxy, tls }))
      const open = await connected(upstream)
      await open.exchange('through', 'through')
      assert.deepEqual(origin.names, ['origin.test'])
      assert.equal(open.stream.info.tls?.peerVerified, true)
      await open.close()
      stop()
      await origin.stop()
      await proxy.stop()
    })

    it(`says that ${name} wants other credentials`, needs(name), async () => {
      const proxy = await start(ASCII_LOGIN)
      const target = await startTcpTarget()
      for (const basicCredentials of [undefined, 'alice:wrong']) {
        const { upstream, stop } = rig(clusterOn(target.port, { httpProxy: proxyOn(proxy.port, { basicCredentials }) }))
        const failure = await refused(upstream)
        assert.equal(failure.code, 'upstream_connection_failure')
        const where = `proxy 127.0.0.1:${proxy.port} answered CONNECT with 40[17]`
        assert.match(failure.explanation, new RegExp(`^${where}.*\\(CONNECT 127\\.0\\.0\\.1:${target.port}\\)$`))
        assert.equal(failure.transportFailure, failure.explanation)
        assert.doesNotMatch(JSON.stringify(failure), /wrong|d3Jvbmc/)
        assert.equal(upstream.stats.upstreamCxConnectFail.value, 1)
        stop()
      }
      assert.equal(target.accepted, 0)
      await target.stop()
      await proxy.stop()
    })
  }

  it('carries what the far side says first', needs('squid'), async () => {
    const proxy = await startSquid()
    const target = await startTcpTarget()
    const { upstream, stop } = rig(clusterOn(target.port, { httpProxy: proxyOn(proxy.port) }))
    const connecting = connected(upstream)
    const peer = await target.next()
    peer.resume().write('220 mail.test ESMTP\r\n')
    const open = await connecting
    await until(() => (open.text === '220 mail.test ESMTP\r\n' ? true : undefined), { what: 'the greeting' })
    await open.close()
    stop()
    await target.stop()
    await proxy.stop()
  })
})

describe('a connection through a proxy', () => {
  it('runs TLS end to end within TLS to the proxy', async () => {
    const proxy = await nodeProxy(true)
    const origin = await tlsEcho()
    const httpProxy = proxyOn(proxy.port, {
      tls: tlsTrusting(ca.certificate, { sni: 'proxy.test', autoSanValidation: true }),
      basicCredentials: `${LOGIN.user}:${LOGIN.password}`,
      headers: [
        {
          name: 'x-team',
          value: { source: 'a', parts: [{ kind: 'text', text: 'tunnels' }] },
          action: 'append',
          keepEmpty: false,
        },
      ],
    })
    const tls = tlsTrusting(ca.certificate, { sni: 'origin.test', autoSanValidation: true })
    const { upstream, stop } = rig(clusterOn(origin.port, { httpProxy, tls }, { hostname: 'origin.test' }))
    const open = await connected(upstream, { ...NEED, serverName: 'origin.test' })
    await open.exchange('x'.repeat(300_000), 'x')
    await until(() => (open.text.length === 300_000 ? true : undefined), { what: 'all bytes' })
    const [seen] = proxy.heads
    assert.equal(seen?.target, `origin.test:${origin.port}`)
    assert.equal(seen?.headers['host'], `origin.test:${origin.port}`)
    assert.equal(seen?.headers['x-team'], 'tunnels')
    const credentials = String(seen?.headers['proxy-authorization']).replace('Basic ', '')
    assert.equal(Buffer.from(credentials, 'base64').toString('utf8'), 'alice:pa:ss wörd')
    await open.close()
    stop()
    await origin.stop()
    await proxy.stop()
  })

  it('says which layer failed', async () => {
    const proxy = await nodeProxy(false)
    const target = await startTcpTarget()
    const dead = await startTcpTarget()
    await dead.stop()
    const tls = tlsTrusting(ca.certificate)
    const cases = [
      [
        clusterOn(target.port, { httpProxy: proxyOn(dead.port) }),
        new RegExp(`^proxy 127.0.0.1:${dead.port}: connection refused`),
      ],
      [
        clusterOn(target.port, { httpProxy: proxyOn(proxy.port, { tls }) }),
        new RegExp(`^TLS with proxy 127.0.0.1:${proxy.port}: `),
      ],
      [
        clusterOn(dead.port, { httpProxy: proxyOn(proxy.port) }),
        new RegExp(`proxy 127.0.0.1:${proxy.port} .*\\(CONNECT 127.0.0.1:${dead.port}\\)`),
      ],
      [
        clusterOn(target.port, { httpProxy: proxyOn(proxy.port), tls, connectTimeoutMs: 150 }),
        new RegExp(`^TLS handshake: not complete within \\d+ ms \\(through proxy 127.0.0.1:${proxy.port}\\)$`),
      ],
      [
        clusterOn(target.port, { httpProxy: proxyOn(0, { address: socket('no-such-proxy.invalid', 3128) }) }),
        /^proxy no-such-proxy.invalid:3128: /,
      ],
    ] as const
    for (const [config, expected] of cases) {
      const { upstream, stop } = rig(config)
      const failure = await refused(upstream)
      assert.match(failure.explanation, expected)
      assert.equal(failure.transportFailure, failure.explanation)
      assert.equal(upstream.breakers('default').active('connection'), 0)
      stop()
    }
    await target.stop()
    await proxy.stop()
  })

  it('waits for a silent proxy no longer than connect_timeout, and can be given up', async () => {
    const proxy = await scriptedProxy('')
    const { upstream, stop } = rig(clusterOn(1, { httpProxy: proxyOn(proxy.port), connectTimeoutMs: 80 }))
    const failure = await refused(upstream)
    assert.equal(failure.code, 'upstream_connection_timeout')
    assert.match(failure.explanation, /did not answer CONNECT within/)
    assert.equal(upstream.stats.upstreamCxConnectTimeout.value, 1)
    stop()
    const patient = rig(clusterOn(1, { httpProxy: proxyOn(proxy.port) }))
    let calls = 0
    const before = proxy.seen().length
    const ticket = patient.upstream.connect(NEED, { onConnected: () => calls++, onConnectFailed: () => calls++ })
    await until(() => (proxy.seen().length > before ? true : undefined), { what: 'the CONNECT' })
    ticket?.cancel()
    patient.stop()
    await proxy.stop()
    assert.equal(calls, 0)
  })

  it('keeps bytes that came in one piece with the answer', async () => {
    const proxy = await scriptedProxy('HTTP/1.1 200 OK\r\n\r\nSSH-2.0-test\r\n')
    const { upstream, stop } = rig(clusterOn(22, { httpProxy: proxyOn(proxy.port) }, { hostname: 'host.test' }))
    const open = await connected(upstream)
    await until(() => (open.text === 'SSH-2.0-test\r\n' ? true : undefined), { what: 'the banner' })
    assert.match(proxy.seen(), /^CONNECT host\.test:22 HTTP\/1\.1\r\nHost: host\.test:22\r\n\r\n/)
    await open.close()
    stop()
    await proxy.stop()
  })

  it('uses the proxy of an endpoint before that of its cluster', async () => {
    const [ours, theirs] = [await nodeProxy(false), await nodeProxy(false)]
    const target = await startTcpTarget()
    const endpoint = { httpProxy: socket('127.0.0.1', ours.port) }
    const { upstream, stop } = rig(clusterOn(target.port, { httpProxy: proxyOn(theirs.port) }, endpoint))
    const connecting = connected(upstream)
    await echoing(target)
    const open = await connecting
    await open.exchange('hi', 'hi')
    assert.deepEqual([ours.heads.length, theirs.heads.length], [1, 0])
    await open.close()
    stop()
    await target.stop()
    await Promise.all([ours.stop(), theirs.stop()])
  })

  it('takes a CONNECT for no more than it is: a target that is no host and port is refused here', async () => {
    const proxy = await scriptedProxy('HTTP/1.1 200 OK\r\n\r\n')
    const address = { kind: 'pipe', path: '/nowhere', mode: 0, place: NOWHERE } as const
    const { upstream, stop } = rig(clusterOn(1, { httpProxy: proxyOn(proxy.port) }, { address }))
    const failure = await refused(upstream)
    assert.match(failure.explanation, /cannot be asked for \/nowhere/)
    const evil = rig(clusterOn(1, { httpProxy: proxyOn(proxy.port) }, { hostname: 'a\r\nx-evil: 1' }))
    assert.match((await refused(evil.upstream)).explanation, /cannot be written/)
    assert.doesNotMatch(proxy.seen(), /evil/)
    stop()
    evil.stop()
    await proxy.stop()
  })

  it('gets plain requests with the whole URL when nothing asks for a CONNECT', async () => {
    const proxy = await nodeProxy(false)
    const { upstream, stop } = rig(clusterOn(1, { httpProxy: proxyOn(proxy.port) }))
    const head: RequestHead = {
      method: 'GET',
      scheme: 'http',
      authority: 'plain.test',
      path: '/page',
      protocol: 'HTTP/1.1',
      headers: new HeaderList(),
      tunnel: undefined,
    }
    const status = await new Promise<number>((resolve, reject) =>
      upstream.acquire(STREAM_NEED, {
        onStreamReady: (connection) =>
          connection.client.request(head, true, {
            onInformational: () => undefined,
            onResponse: (response) => resolve(response.status),
            onData: () => undefined,
            onTrailers: () => undefined,
            onDrain: () => undefined,
            onReset: (cause) => reject(new Error(cause.detail)),
          }),
        onStreamFailed: ({ explanation }) => reject(new Error(explanation)),
      }),
    )
    assert.equal(status, 200)
    assert.equal(proxy.heads[0]?.target, 'http://plain.test/page')
    stop()
    await proxy.stop()
  })
})
