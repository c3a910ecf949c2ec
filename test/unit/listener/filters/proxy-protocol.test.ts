import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { writeProxyHeader } from '../../../../src/codec/proxy-protocol/write.ts'
import type { ProxyProtocolReceive } from '../../../../src/config/model/proxy-protocol.ts'
import { proxyProtocol } from '../../../../src/listener/filters/proxy-protocol.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { tcpAddress } from '../../../../src/transport/address.ts'
import { ConnectionState } from '../../../../src/transport/connection-state.ts'
import { type FilteredStream, filteredStream } from '../../../support/filtered-stream.ts'

const STRICT: ProxyProtocolReceive = {
  allowWithout: false,
  versions: { v1: true, v2: true },
  keep: 'none',
  rules: [],
  statPrefix: '',
}
const ends = { source: tcpAddress('192.0.2.1', 56324), destination: tcpAddress('198.51.100.7', 443) }
const tlvs = [
  { type: 2, value: Buffer.from('app.example') },
  { type: 0xe0, value: Buffer.from([0xc3, 0xa9, 0x21]) },
  { type: 0xe1, value: Buffer.from([0x61, 0xff]) },
]
const HEADERS = {
  v1: writeProxyHeader('v1', ends).bytes,
  v2: writeProxyHeader('v2', ends, tlvs).bytes,
}

interface Stage {
  readonly client: FilteredStream
  /** The statistics that have moved, with their values. */
  stats(): Readonly<Record<string, number>>
}

function stage(config: Partial<ProxyProtocolReceive> = {}, timeoutMs = 0): Stage {
  const registry = new StatRegistry()
  const client = filteredStream(proxyProtocol({ ...STRICT, ...config }, registry), { timeoutMs })
  return { client, stats: () => moved(registry) }
}

function moved(registry: StatRegistry): Record<string, number> {
  const found: Record<string, number> = {}
  for (const stat of registry.all()) if (stat.kind === 'counter' && stat.value > 0) found[stat.name] = stat.value
  return found
}

const refusal = (client: FilteredStream): string | undefined => {
  const outcome = client.outcome()
  return outcome?.kind === 'refused' ? `${outcome.cause.code}: ${outcome.cause.detail}` : outcome?.kind
}

for (const version of ['v1', 'v2'] as const) {
  describe(`version ${version}`, () => {
    test('its addresses stand in the place of the socket’s own', async () => {
      const { client, stats } = stage()
      await client.send(Buffer.concat([HEADERS[version], Buffer.from('GET / HTTP/1.1\r\n')]))
      assert.deepEqual(client.outcome(), { kind: 'passed' })
      const { remote, local, state } = client.info()
      assert.equal(remote.text, '192.0.2.1:56324')
      assert.equal(local.text, '198.51.100.7:443')
      assert.equal(state?.directRemote?.text, '127.0.0.1:1024')
      assert.equal(state?.directLocal?.text, '127.0.0.1:80')
      assert.equal(state?.originalDestination?.text, '198.51.100.7:443')
      assert.deepEqual(stats(), { [`proxy_proto.versions.${version}.found`]: 1 })
      assert.equal(await client.rest(), 'GET / HTTP/1.1\r\n')
    })

    test('may be cut at every position', async () => {
      const bytes = Buffer.concat([HEADERS[version], Buffer.from('hello')])
      for (let at = 1; at < bytes.length; at++) {
        const { client } = stage()
        await client.send(bytes.subarray(0, at))
        assert.equal(client.outcome() === undefined, at < HEADERS[version].length, `at ${at}`)
        await client.send(bytes.subarray(at))
        assert.equal(await client.rest(), 'hello', `at ${at}`)
        assert.equal(client.info().remote.text, '192.0.2.1:56324')
      }
    })

    test('may come one byte at a time, and then the end', async () => {
      const { client } = stage()
      for (const byte of HEADERS[version]) await client.send(Buffer.from([byte]))
      await client.end()
      assert.deepEqual(client.outcome(), { kind: 'passed' })
      assert.equal(await client.rest(), 'end')
    })

    test('that does not come in time ends the connection', async () => {
      const { client, stats } = stage({}, 5000)
      await client.send(HEADERS[version].subarray(0, -1))
      client.clock.advance(4999)
      assert.equal(client.outcome(), undefined)
      client.clock.advance(1)
      const outcome = client.outcome()
      assert.equal(outcome?.kind === 'refused' && outcome.timeout && outcome.cause.code, 'listener_filter_timeout')
      assert.equal(client.clock.pending, 0)
      assert.deepEqual(stats(), {})
    })

    test('that is not allowed is refused once it is recognised, and payload where none is needed', async () => {
      const versions = { v1: version !== 'v1', v2: version !== 'v2' }
      const strict = stage({ versions })
      await strict.client.send(HEADERS[version].subarray(0, 5))
      assert.equal(strict.client.outcome(), undefined)
      await strict.client.send(HEADERS[version].subarray(5))
      assert.match(
        refusal(strict.client) ?? '',
        /^proxy_header_invalid: PROXY headers of version [12] are not allowed$/,
      )
      assert.deepEqual(strict.stats(), {
        [`proxy_proto.versions.${version}.disallowed`]: 1,
        [`proxy_proto.versions.${version}.found`]: 1,
      })
      const lenient = stage({ versions, allowWithout: true })
      await lenient.client.send(HEADERS[version])
      assert.deepEqual(lenient.client.outcome(), { kind: 'passed' })
      assert.deepEqual(lenient.stats(), { 'proxy_proto.not_found_allowed': 1 })
      assert.equal(await lenient.client.rest(), HEADERS[version].toString('latin1'))
      assert.equal(lenient.client.info().remote.text, '127.0.0.1:1024')
    })
  })
}

describe('LOCAL and UNKNOWN', () => {
  test('leave the socket’s addresses, and nothing else is kept', async () => {
    for (const version of ['v1', 'v2'] as const) {
      const { client, stats } = stage({ keep: 'all' })
      await client.send(Buffer.concat([writeProxyHeader(version, undefined).bytes, Buffer.from('x')]))
      const { remote, local, state } = client.info()
      assert.deepEqual([remote.text, local.text, state?.tlvs], ['127.0.0.1:1024', '127.0.0.1:80', []])
      assert.deepEqual([state?.directRemote, state?.originalDestination], [undefined, undefined])
      assert.deepEqual(stats(), { [`proxy_proto.versions.${version}.found`]: 1 })
      assert.equal(await client.rest(), 'x')
    }
  })
})

describe('TLVs', () => {
  test('are kept as the configuration says', async () => {
    for (const [keep, expected] of [
      ['none', []],
      ['all', [2, 0xe0, 0xe1]],
      [[0xe0, 7], [0xe0]],
    ] as const) {
      const { client } = stage({ keep })
      await client.send(HEADERS.v2)
      assert.deepEqual(
        client.info().state?.tlvs.map(({ type }) => type),
        expected,
      )
    }
  })

  test('become dynamic metadata by rules, bytes that are no UTF-8 as exclamation marks', async () => {
    const { client } = stage({
      rules: [
        { type: 2, namespace: '', key: 'authority' },
        { type: 0xe0, namespace: 'mine', key: 'e0' },
        { type: 0xe1, namespace: 'mine', key: 'first' },
        { type: 0xe1, namespace: 'mine', key: 'e1' },
        { type: 0xe9, namespace: 'mine', key: 'absent' },
      ],
    })
    await client.send(HEADERS.v2)
    const metadata = client.info().state?.metadata
    assert.deepEqual(
      [...(metadata?.get('envoy.filters.listener.proxy_protocol') ?? [])],
      [['authority', 'app.example']],
    )
    assert.deepEqual(
      [...(metadata?.get('mine') ?? [])],
      [
        ['e0', '\xc3\xa9!'],
        ['e1', 'a!'],
      ],
    )
  })

  test('join what is known of the connection already', async () => {
    const state = new ConnectionState()
    state.filterState.set('k', 'v')
    const { client } = stage()
    client.accepted.amend({ state })
    await client.send(HEADERS.v2)
    assert.equal(client.info().state, state)
  })
})

describe('what is no header', () => {
  test('is refused with its first byte', async () => {
    const { client, stats } = stage()
    await client.send('G')
    assert.equal(refusal(client), 'proxy_header_invalid: the connection does not begin with a PROXY header')
    assert.deepEqual(stats(), { downstream_cx_proxy_proto_error: 1, 'proxy_proto.not_found_disallowed': 1 })
  })

  test('passes whole where that is allowed', async () => {
    const { client, stats } = stage({ allowWithout: true, statPrefix: 'edge' })
    await client.send('PROX')
    assert.equal(client.outcome(), undefined)
    await client.send('Y/ HTTP/1.1\r\n')
    assert.deepEqual(client.outcome(), { kind: 'passed' })
    assert.equal(await client.rest(), 'PROXY/ HTTP/1.1\r\n')
    assert.deepEqual(stats(), { 'proxy_proto.edge.not_found_allowed': 1 })
  })

  test('a malformed header is refused even there', async () => {
    const { client, stats } = stage({ allowWithout: true })
    await client.send('PROXY TCP9 1 2\r\n')
    assert.equal(refusal(client), 'proxy_header_invalid: the family is not TCP4, TCP6 or UNKNOWN')
    assert.deepEqual(stats(), { downstream_cx_proxy_proto_error: 1, 'proxy_proto.versions.v1.error': 1 })
  })

  test('every changed byte of a version 2 header gives one answer, and no address of its own making by accident', async () => {
    for (let at = 0; at < 16; at++) {
      const bytes = Buffer.from(HEADERS.v2)
      bytes[at] = (bytes[at] ?? 0) ^ 0x40
      const { client } = stage()
      await client.send(bytes)
      const outcome = client.outcome()
      assert.ok(outcome === undefined || outcome.kind === 'refused', `byte ${at}`)
      // Only a length that grew waits for more.
      assert.equal(outcome === undefined, at >= 14, `byte ${at}`)
    }
  })

  test('an address that no TCP connection can have is refused', async () => {
    const wrong = ['0.0.0.0', '255.255.255.255', '224.0.0.1', '239.255.255.255', '::', 'ff02::1', '::ffff:0.0.0.0']
    for (const ip of wrong) {
      for (const version of ['v1', 'v2'] as const) {
        const { client } = stage()
        await client.send(writeProxyHeader(version, { ...ends, source: tcpAddress(ip, 1) }).bytes)
        assert.match(refusal(client) ?? '', /unspecified, multicast or broadcast$/, `${version} ${ip}`)
      }
    }
  })

  test('Unix sockets and unspecified families are refused, as by Envoy', async () => {
    const start = '\r\n\r\n\0\r\nQUIT\n\x21'
    for (const [rest, reason] of [
      ['\0\0\0', 'the header names no address'],
      [`\x31\0\xd8${'\0'.repeat(216)}`, 'the header names Unix sockets'],
    ] as const) {
      const { client } = stage()
      await client.send(start + rest)
      assert.equal(refusal(client), `proxy_header_invalid: ${reason}`)
    }
  })

  test('a client that ends before its header is refused, one that resets is gone', async () => {
    const { client } = stage()
    await client.send('PROXY')
    await client.end()
    assert.equal(refusal(client), 'client_disconnect: it ended 5 bytes into its PROXY header')
    const other = stage()
    await other.client.send('PROXY')
    await other.client.reset()
    assert.equal(other.client.outcome()?.kind, 'gone')
  })
})
