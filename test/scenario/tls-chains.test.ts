// TLS on the downstream side: chains chosen by server name, plain and TLS on one port, client certificates by their names,
// resumption; seen with node:tls as the client.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import {
  bareListener,
  bootstrap,
  cluster,
  downstreamTls,
  filterChain,
  listener,
  route,
  TLS_INSPECTOR,
  upstreamTls,
  type YamlMap,
} from '../support/envoy-config.ts'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { within } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

let ca: Authority
let client: Leaf
let stranger: Leaf
let app: EchoApp
let secureApp: EchoApp
let proxy: ProxyProcess

const answers = (name: string): YamlMap => ({
  match: { prefix: '/' },
  direct_response: { status: 200, body: { inline_string: name } },
})

before(async () => {
  ca = await authority()
  const one = await ca.issue({ name: 'one', dns: ['one.example'] })
  const other = await ca.issue({ name: 'other', dns: ['deep.two.example'] })
  client = await ca.issue({ name: 'client', uris: ['spiffe://example/ns/app'] })
  stranger = await ca.issue({ name: 'stranger', uris: ['spiffe://example/ns/other'] })
  app = await startEchoApp()
  secureApp = await startEchoApp({ tls: one })
  const sni = (name: string, leaf: Leaf, names: readonly string[]): YamlMap =>
    filterChain({ name, routes: [answers(name)], tls: downstreamTls([leaf]) }, { server_names: [...names] })
  const mutual = {
    trusted_ca: { filename: ca.certificateFile },
    match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: 'spiffe://example/ns/app' } }],
  }
  proxy = await startProxy(
    bootstrap(
      [
        {
          ...bareListener('names'),
          listener_filters: [TLS_INSPECTOR],
          filter_chains: [
            sni('exact', one, ['one.example']),
            sni('wild', other, ['*.two.example']),
            filterChain({ name: 'clear', routes: [route('/', 'app')] }, { transport_protocol: 'raw_buffer' }),
          ],
        },
        listener({
          name: 'mutual',
          routes: [answers('mutual')],
          tls: downstreamTls([one], { validation_context: mutual }, { require_client_certificate: true }),
        }),
        listener({ name: 'upward', routes: [route('/', 'secure')] }),
      ],
      [
        cluster({ name: 'app', port: app.port }),
        cluster({ name: 'secure', port: secureApp.port, tls: upstreamTls(ca.certificateFile) }),
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await secureApp.stop()
  await nothingLeft()
})

function dial(listenerName: string, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port: proxy.port(listenerName),
    ca: ca.certificate,
    ALPNProtocols: ['http/1.1'],
    ...options,
  })
  return within(
    new Promise<TLSSocket>((resolve, reject) => {
      socket.once('secureConnect', () => resolve(socket))
      socket.once('error', reject)
    }),
    'the handshake',
  )
}

async function get(socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nhost: one.example\r\nconnection: close\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

describe('a filter chain is chosen by the server name', () => {
  test('exactly, with its own certificate', async () => {
    const socket = await dial('names', { servername: 'one.example' })
    assert.match(socket.getPeerX509Certificate()?.subjectAltName ?? '', /DNS:one\.example/)
    assert.match(await get(socket), /^HTTP\/1\.1 200 [^]*exact$/)
  })

  test('by the longest wildcard', async () => {
    const socket = await dial('names', { servername: 'deep.two.example' })
    assert.match(await get(socket), /^HTTP\/1\.1 200 [^]*wild$/)
  })

  test('and without a match the connection ends and is counted', async () => {
    await assert.rejects(dial('names', { servername: 'nobody.example' }))
    const stats = await proxy.stats()
    const counted = [...stats].filter(([name]) => name.endsWith('.no_filter_chain_match')).map(([, value]) => value)
    assert.ok(counted.includes(1), `no listener counted it: ${counted.join()}`)
  })

  test('and clear text on the same port goes to the chain for raw_buffer, WebSockets too', async () => {
    const plain = await rawClient(proxy.port('names'))
    plain.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.equal((await plain.answer()).status, 200)
    plain.close()
    const socket = await webSocket({ protocol: 'http1', port: proxy.port('names'), path: '/clear' })
    socket.socket.send('hello')
    assert.equal((await socket.next()).data.toString(), 'hello')
    await socket.close(1000, '')
  })
})

describe('client certificates', () => {
  test('with the wanted name are let in', async () => {
    const socket = await dial('mutual', { servername: 'one.example', cert: client.certificate, key: client.key })
    assert.match(await get(socket), /^HTTP\/1\.1 200 [^]*mutual$/)
  })

  for (const [what, credentials] of [
    ['of another name', () => ({ cert: stranger.certificate, key: stranger.key })],
    ['that are missing', () => ({})],
  ] as const) {
    test(`${what} are refused`, async () => {
      // TLS 1.3 clients learn of it only after their own Finished.
      const refused = dial('mutual', { servername: 'one.example', ...credentials() }).then(get)
      const text = await refused.catch(() => '')
      assert.equal(text, '')
    })
  }

  test('hold for a resumed session as well', async () => {
    let session: Buffer | undefined
    const credentials = { servername: 'one.example', cert: client.certificate, key: client.key }
    const first = await dial('mutual', credentials)
    first.on('session', (ticket: Buffer) => (session = ticket))
    await get(first)
    assert.ok(session !== undefined, 'a session ticket came')
    const second = await dial('mutual', { ...credentials, session })
    assert.equal(second.isSessionReused(), true)
    assert.match(await get(second), /^HTTP\/1\.1 200 [^]*mutual$/)
  })
})

test('every dial to a TLS upstream works, fresh and resumed', async () => {
  for (let i = 0; i < 5; i++) {
    const socket = await webSocket({ protocol: 'http1', port: proxy.port('upward'), path: `/dial/${i}` })
    socket.socket.send('hello')
    assert.equal((await socket.next()).data.toString(), 'hello')
    await socket.close(1000, '')
  }
})
