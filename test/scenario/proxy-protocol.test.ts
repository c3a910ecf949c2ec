// The PROXY protocol listener filter in the real program: what clients behind HAProxy, nginx and curl look like to it, and
// what it does with everything else that may come instead of a header.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { writeProxyHeader } from '../../src/codec/proxy-protocol/write.ts'
import { tcpAddress } from '../../src/transport/address.ts'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { bootstrap, downstreamTls, fileLog, filterChain, listener, type YamlMap } from '../support/envoy-config.ts'
import { type ForeignServer, freePorts, runForeign, startForeign } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { HTTP_INSPECTOR, proxyProtocolFilter, TLS_INSPECTOR } from '../support/network-config.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { needs } from '../support/tools.ts'
import { until, within } from '../support/waiting.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-proxy-protocol-'))
const logFile = join(folder, 'log')
const closeLog = join(folder, 'closed')

let ca: Authority
let leaf: Leaf
let proxy: ProxyProcess

/** Answers with what the proxy knows of the client. */
const TELL = '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_ADDRESS%'
const route = (name: string): YamlMap => ({
  match: { prefix: '/' },
  direct_response: { status: 200, body: { inline_string: `${name}\n` } },
  response_headers_to_add: [
    { header: { key: 'x-ends', value: TELL } },
    { header: { key: 'x-authority', value: '%DYNAMIC_METADATA(pp:authority)%' } },
    { header: { key: 'x-unique-id', value: '%DYNAMIC_METADATA(pp:id)%' } },
  ],
})
const RULES = [
  { tlv_type: 2, on_tlv_present: { metadata_namespace: 'pp', key: 'authority' } },
  { tlv_type: 5, on_tlv_present: { metadata_namespace: 'pp', key: 'id' } },
]
const web = (name: string, filters: readonly YamlMap[], more: YamlMap = {}, tls?: YamlMap): YamlMap =>
  listener({
    name,
    routes: [route(name)],
    hcm: { use_remote_address: true, access_log: [fileLog(logFile, `${name} ${TELL}\n`)] },
    ...(tls === undefined ? {} : { tls }),
    more: {
      listener_filters: filters,
      access_log: [fileLog(closeLog, `${name} %CLOSE_CAUSE% %CLOSE_DETAIL%\n`)],
      ...more,
    },
  })

before(async () => {
  ca = await authority()
  leaf = await ca.issue({ name: 'edge' })
  const chain = (name: string, match: YamlMap, tls?: YamlMap): YamlMap =>
    filterChain({ name, routes: [route(name)], ...(tls === undefined ? {} : { tls }) }, match)
  proxy = await startProxy(
    bootstrap(
      [
        web('strict', [proxyProtocolFilter({ rules: RULES })], { listener_filters_timeout: '0.5s' }),
        web('lenient', [proxyProtocolFilter({ allow_requests_without_proxy_protocol: true, stat_prefix: 'lenient' })]),
        web('v2-only', [proxyProtocolFilter({ disallowed_versions: ['V1'] })]),
        web('tls', [proxyProtocolFilter({ rules: RULES })], {}, downstreamTls([leaf])),
        {
          ...web('sniff', [proxyProtocolFilter(), TLS_INSPECTOR, HTTP_INSPECTOR]),
          filter_chains: [
            chain('secure', { transport_protocol: 'tls' }, downstreamTls([leaf])),
            chain('direct', { application_protocols: ['http/1.1'], direct_source_prefix_ranges: [cidr('127.0.0.1')] }),
            chain('cleartext2', { application_protocols: ['h2c'], source_prefix_ranges: [cidr('192.0.2.0', 24)] }),
          ],
        },
      ],
      [],
    ),
  )
})

const cidr = (address: string, length = 32): YamlMap => ({ address_prefix: address, prefix_len: length })

after(async () => {
  await proxy.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

const REQUEST = 'GET / HTTP/1.1\r\nhost: app.example\r\nconnection: close\r\n\r\n'
const ends = { source: tcpAddress('192.0.2.1', 56324), destination: tcpAddress('198.51.100.7', 443) }
const HEADERS = {
  v1: writeProxyHeader('v1', ends).bytes,
  v2: writeProxyHeader('v2', ends, [{ type: 2, value: Buffer.from('app.example') }]).bytes,
}

/** Everything that comes back until the end, as text. */
function answerOf(socket: Socket): Promise<string> {
  return within(
    new Promise((resolve) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
    }),
    'the end of an answer',
  )
}

function exchange(listenerName: string, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect({ port: proxy.port(listenerName), host: '127.0.0.1', noDelay: true })
  socket.on('connect', () => {
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
  })
  return answerOf(socket)
}

const headerOf = (answer: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\r$`, 'im').exec(answer)?.[1]

describe('a header', () => {
  test('gives the client’s addresses to routes, logs and headers', async () => {
    for (const version of ['v1', 'v2'] as const) {
      const answer = await exchange('strict', Buffer.concat([HEADERS[version], Buffer.from(REQUEST)]))
      assert.match(answer, /^HTTP\/1\.1 200/)
      assert.equal(headerOf(answer, 'x-ends'), '192.0.2.1:56324 127.0.0.1 198.51.100.7:443')
      assert.equal(headerOf(answer, 'x-authority'), version === 'v2' ? 'app.example' : undefined)
    }
    await until(
      () => readFileSync(logFile, 'utf8').includes('strict 192.0.2.1:56324 127.0.0.1 198.51.100.7:443') || undefined,
      {
        what: 'the log',
      },
    )
  })

  test('may be cut anywhere, and the request right behind it is not lost', async () => {
    for (const header of [HEADERS.v1, HEADERS.v2]) {
      const all = Buffer.concat([header, Buffer.from(REQUEST)])
      const cuts = Array.from({ length: header.length + 1 }, (_, at) => at + 1)
      const answers = await Promise.all(cuts.map((at) => exchange('strict', all.subarray(0, at), all.subarray(at))))
      for (const [index, answer] of answers.entries()) {
        assert.equal(headerOf(answer, 'x-ends'), '192.0.2.1:56324 127.0.0.1 198.51.100.7:443', `cut at ${cuts[index]}`)
      }
    }
  })

  test('may come byte by byte', async () => {
    const bytes = [...HEADERS.v2].map((byte) => Buffer.from([byte]))
    const answer = await exchange('strict', ...bytes, REQUEST)
    assert.equal(headerOf(answer, 'x-ends'), '192.0.2.1:56324 127.0.0.1 198.51.100.7:443')
  })

  test('stands before TLS, in one segment with the ClientHello or not', async () => {
    for (const together of [true, false]) {
      const plain = connect(proxy.port('tls'), '127.0.0.1')
      if (together) plain.cork()
      plain.write(HEADERS.v2)
      const socket = connectTls({ socket: plain, ca: ca.certificate, servername: 'localhost' })
      setImmediate(() => plain.uncork())
      socket.on('secureConnect', () => socket.write(REQUEST))
      const answer = await answerOf(socket)
      assert.equal(headerOf(answer, 'x-ends'), '192.0.2.1:56324 127.0.0.1 198.51.100.7:443')
      assert.equal(headerOf(answer, 'x-authority'), 'app.example')
    }
  })

  test('of LOCAL or UNKNOWN leaves the socket’s own addresses', async () => {
    for (const version of ['v1', 'v2'] as const) {
      const answer = await exchange('strict', writeProxyHeader(version, undefined).bytes, REQUEST)
      assert.match(headerOf(answer, 'x-ends') ?? '', /^127\.0\.0\.1:\d+ 127\.0\.0\.1 127\.0\.0\.1:\d+$/)
    }
  })
})

describe('anything else', () => {
  test('is closed without an answer, and the log says why', async () => {
    for (const [bytes, detail] of [
      [REQUEST, 'the connection does not begin with a PROXY header'],
      ['PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n', 'a port is not a number from 0 to 65535'],
      ['PROXY TCP4 0.0.0.0 5.6.7.8 1 2\r\n', 'an address of the header is unspecified, multicast or broadcast'],
      [`PROXY UNKNOWN ${'x'.repeat(200)}`, 'the line is longer than 107 bytes'],
    ] as const) {
      assert.equal(await exchange('strict', bytes), '')
      await until(
        () => readFileSync(closeLog, 'utf8').includes(`strict proxy_header_invalid ${detail}\n`) || undefined,
        {
          what: detail,
          detail: () => readFileSync(closeLog, 'utf8'),
        },
      )
    }
    assert.ok((await proxy.stat('proxy_proto.versions.v1.error')) >= 3)
    assert.ok((await proxy.stat('proxy_proto.not_found_disallowed')) >= 1)
  })

  test('is closed when a header is slow', async () => {
    assert.equal(await exchange('strict', HEADERS.v1.subarray(0, 20)), '')
    await until(
      () =>
        /strict listener_filter_timeout no greeting within \d+ ms/.test(readFileSync(closeLog, 'utf8')) || undefined,
      { what: 'the log', detail: () => readFileSync(closeLog, 'utf8') },
    )
  })

  test('passes where headers are optional', async () => {
    const plain = await exchange('lenient', REQUEST)
    assert.match(headerOf(plain, 'x-ends') ?? '', /^127\.0\.0\.1:\d+ /)
    const named = await exchange('lenient', HEADERS.v1, REQUEST)
    assert.match(headerOf(named, 'x-ends') ?? '', /^192\.0\.2\.1:56324 127\.0\.0\.1 /)
    assert.equal(await proxy.stat('proxy_proto.lenient.not_found_allowed'), 1)
    assert.equal(await proxy.stat('proxy_proto.lenient.versions.v1.found'), 1)
  })

  test('a version that is not allowed is closed', async () => {
    assert.equal(await exchange('v2-only', HEADERS.v1, REQUEST), '')
    assert.match(await exchange('v2-only', HEADERS.v2, REQUEST), /^HTTP\/1\.1 200/)
  })
})

test('inspectors read on behind the header, and chains match what they saw and both addresses', async () => {
  const http1 = await exchange('sniff', HEADERS.v1, REQUEST)
  assert.match(http1, /direct\n$/)
  const http2 = await exchange(
    'sniff',
    HEADERS.v1,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    Buffer.from('000000070000000000', 'hex'),
  )
  // SETTINGS of a server comes first (RFC 9113 §3.4); the wrong GOAWAY frame above ends the connection.
  assert.equal(http2.charCodeAt(3), 4)
  const plain = connect(proxy.port('sniff'), '127.0.0.1')
  plain.write(HEADERS.v2)
  const socket = connectTls({ socket: plain, ca: ca.certificate, servername: 'localhost' })
  socket.on('secureConnect', () => socket.write(REQUEST))
  assert.match(await answerOf(socket), /secure\n$/)
  const stats = await proxy.stats()
  assert.equal(stats.get('http_inspector.http11_found'), 1)
  assert.equal(stats.get('http_inspector.http2_found'), 1)
})

describe('foreign senders', () => {
  let haproxy: ForeignServer | undefined
  let nginx: ForeignServer | undefined

  after(async () => {
    await haproxy?.stop()
    await nginx?.stop()
  })

  test('HAProxy, both versions, with TLVs and a checksum', needs('haproxy'), async () => {
    const ports = await freePorts('one', 'two', 'options', 'tls')
    const side = (name: keyof typeof ports, to: string, options: string): string => `
frontend ${name}
  bind 127.0.0.1:${ports[name]}
  unique-id-format uid-%pid
  default_backend to-${name}
backend to-${name}
  server sluice 127.0.0.1:${proxy.port(to)} ${options}
`
    haproxy = await startForeign({
      name: 'haproxy',
      config: () => `
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
${side('one', 'strict', 'send-proxy')}
${side('two', 'strict', 'send-proxy-v2')}
${side('options', 'strict', 'send-proxy-v2 proxy-v2-options crc32c,unique-id,authority')}
${side('tls', 'tls', 'send-proxy-v2 ssl verify none sni str(localhost)')}
`,
      args: (file) => ['-db', '-f', file],
      ports: Object.values(ports),
    })
    for (const [name, port] of Object.entries(ports)) {
      const socket = connect(port, '127.0.0.1')
      socket.write(REQUEST)
      const answer = await answerOf(socket)
      const [remote, direct, local] = (headerOf(answer, 'x-ends') ?? '').split(' ')
      assert.match(remote ?? '', /^127\.0\.0\.1:\d+$/, name)
      assert.equal(local, `127.0.0.1:${port}`, name)
      assert.equal(direct, '127.0.0.1', name)
      if (name === 'options') assert.match(headerOf(answer, 'x-unique-id') ?? '', /^uid-\d+$/)
    }
  })

  test('nginx, whose streams begin with a header', needs('nginx'), async () => {
    const { front } = await freePorts('front')
    nginx = await startForeign({
      name: 'nginx',
      config: (at) => `
${existingModule()}
daemon off;
pid ${at}/nginx.pid;
error_log stderr;
events {}
stream {
  server {
    listen 127.0.0.1:${front};
    proxy_pass 127.0.0.1:${proxy.port('strict')};
    proxy_protocol on;
  }
}
`,
      args: (file, at) => ['-p', at, '-c', file],
      ports: [front],
    })
    const socket = connect(front, '127.0.0.1')
    await new Promise((resolve) => socket.on('connect', resolve))
    const own = `127.0.0.1:${socket.localPort}`
    socket.write(REQUEST)
    assert.equal(headerOf(await answerOf(socket), 'x-ends'), `${own} 127.0.0.1 127.0.0.1:${front}`)
  })

  test('curl', needs('curl'), async () => {
    const { stdout, code, output } = await runForeign('curl', [
      ...['--silent', '--show-error', '--include', '--max-time', '5', '--haproxy-protocol'],
      `http://127.0.0.1:${proxy.port('strict')}/`,
    ])
    assert.equal(code, 0, output)
    assert.match(headerOf(stdout, 'x-ends') ?? '', /^127\.0\.0\.1:\d+ 127\.0\.0\.1 127\.0\.0\.1:\d+$/)
  })
})

/** Debian has the stream module apart; elsewhere it is built in. */
function existingModule(): string {
  const module = '/usr/lib/nginx/modules/ngx_stream_module.so'
  try {
    readFileSync(module)
    return `load_module ${module};`
  } catch {
    return ''
  }
}
