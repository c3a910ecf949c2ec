import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HeaderAddition } from '../../../../../src/config/model/header-mutation.ts'
import { dial, settle, shutdown, start, template, tunneling } from './harness.ts'

const adds = (name: string, value: string, action: HeaderAddition['action'] = 'append'): HeaderAddition => ({
  name,
  value: template(value),
  action,
  keepEmpty: false,
})

describe('a tunnel by CONNECT of HTTP/1.1', () => {
  test('asks for the evaluated name with the evaluated headers, and sends nothing else before the answer', async () => {
    const headers = [adds('original_dst_port', '%DOWNSTREAM_LOCAL_PORT%'), adds('x-sni', '%REQUESTED_SERVER_NAME%')]
    const running = start({
      serverName: 'shop.example',
      config: { tunneling: tunneling('%REQUESTED_SERVER_NAME%:443', { headers }) },
    })
    running.client.write('too early')
    const proxy = dial(running).connect()
    await settle()
    assert.equal(
      proxy.text,
      'CONNECT shop.example:443 HTTP/1.1\r\nhost: shop.example:443\r\noriginal_dst_port: 80\r\nx-sni: shop.example\r\n\r\n',
    )
    proxy.write('HTTP/1.1 103 Early Hints\r\n\r\n')
    await settle()
    assert.doesNotMatch(proxy.text, /too early/)
    proxy.write('HTTP/1.1 200 Connection established\r\n\r\n220 at your service')
    await settle()
    assert.match(proxy.text, /\r\n\r\ntoo early$/)
    assert.equal(running.client.text, '220 at your service')
    const [entry] = [...running.ledger.entries()]
    assert.deepEqual(
      [entry?.type, entry?.authority, entry?.upstreamProtocol],
      ['CONNECT', 'shop.example:443', 'HTTP/1.1'],
    )
    running.client.stream.endWriting()
    await settle()
    assert.equal(proxy.ended, true)
    proxy.write('bye')
    proxy.stream.endWriting()
    await settle()
    assert.match(running.client.text, /bye$/)
    assert.equal(running.log[0], 'TcpConnectionEnd - 9/22 127.0.0.1:80 client finished')
    assert.equal(running.active.requests(), 0)
  })

  for (const status of [201, 204, 299]) {
    test(`takes ${status} for an acceptance`, async () => {
      const running = start({ config: { tunneling: tunneling('host:1') } })
      const proxy = dial(running).connect()
      proxy.write(`HTTP/1.1 ${status} x\r\n\r\nhello`)
      await settle()
      assert.equal(running.client.text, 'hello')
      running.session.close(shutdown())
      await settle()
    })
  }

  for (const status of [300, 403, 407, 503]) {
    test(`takes ${status} for a refusal, whose status reaches the log, and the body does not reach the client`, async () => {
      const running = start({
        config: { tunneling: tunneling('host:1') },
        format: '%RESPONSE_CODE% %RESPONSE_FLAGS% %CLOSED_BY% %CLOSE_CAUSE% %CLOSE_DETAIL%',
      })
      const proxy = dial(running).connect()
      proxy.write(`HTTP/1.1 ${status} No way\r\ncontent-length: 6\r\n\r\nsecret`)
      await settle()
      running.client.stream.endWriting()
      await settle()
      assert.equal(running.client.text, '')
      assert.deepEqual(running.log, [
        `${status} UF,URX upstream tunnel_refused the proxy answered ${status} No way to CONNECT host:1`,
      ])
      assert.equal(running.active.requests(), 0)
    })
  }

  test('a refusal is one attempt of several', async () => {
    const running = start({
      config: { tunneling: tunneling('host:1'), maxConnectAttempts: 2 },
      format: '%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT%',
    })
    dial(running).connect().write('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n')
    await settle()
    running.clock.advance(0)
    const proxy = dial(running, 1).connect()
    proxy.write('HTTP/1.1 200 OK\r\n\r\n')
    await settle()
    running.client.write('through')
    await settle()
    assert.match(proxy.text, /through$/)
    running.client.stream.endWriting()
    proxy.stream.endWriting()
    await settle()
    assert.deepEqual(running.log, ['0 UF 2'])
  })

  test('an answer that breaks the protocol, or none at all, is a failed attempt', async () => {
    for (const answer of ['SSH-2.0-OpenSSH\r\n\r\n', '']) {
      const running = start({ config: { tunneling: tunneling('host:1') }, format: '%RESPONSE_FLAGS% %RESPONSE_CODE%' })
      const proxy = dial(running).connect()
      proxy.write(answer)
      proxy.stream.endWriting()
      await settle()
      running.client.stream.endWriting()
      await settle()
      assert.deepEqual(running.log, ['UF,URX 0'])
      assert.equal(running.client.text, '')
    }
  })
})

describe('what a tunnel may be asked for', () => {
  // Dynamic metadata and server names come from clients.
  const bad = [
    '',
    'a b:1',
    'a:1\r\nx: y',
    'a:0',
    'a:65536',
    'a:1:2',
    ':443',
    'user@host:1',
    'a/b:1',
    '[::1',
    '[::g]:1',
    'a,b:1',
    'é:1',
  ]
  for (const name of bad) {
    test(`${JSON.stringify(name)} is refused and logged`, async () => {
      const running = start({
        serverName: name,
        config: { tunneling: tunneling('%REQUESTED_SERVER_NAME%'), maxConnectAttempts: 3 },
        format: '%CLOSED_BY% %CLOSE_CAUSE%',
      })
      running.client.stream.endWriting()
      await settle()
      assert.equal(running.dials.length, 0)
      assert.equal(running.warnings.length, 1)
      assert.match(running.warnings[0] ?? '', /envoy\.yaml:30.*no host with an optional port$/)
      assert.doesNotMatch(running.warnings[0] ?? '', /[\r\n]/)
      assert.deepEqual(running.log, ['proxy invalid_authority'])
    })
  }

  for (const name of ['a.example', 'a.example:22', '10.0.0.1:1', '[2001:db8::1]:443']) {
    test(`${name} is asked for`, async () => {
      const running = start({ serverName: name, config: { tunneling: tunneling('%REQUESTED_SERVER_NAME%') } })
      const proxy = dial(running).connect()
      await settle()
      assert.equal(proxy.text.startsWith(`CONNECT ${name} HTTP/1.1\r\nhost: ${name}\r\n`), true)
      running.session.close(shutdown())
      await settle()
    })
  }

  test('a header value that would break the head is left out, and framing is not for a configuration to say', async () => {
    const headers = [
      adds('x-bad', '%FILTER_STATE(evil:PLAIN)%'),
      adds('content-length', '5'),
      adds('transfer-encoding', 'chunked'),
      adds('host', 'other'),
      adds('x-good', '%FILTER_STATE(good:PLAIN)%'),
    ]
    const running = start({
      state: { evil: 'a\r\nGET / HTTP/1.1', good: 'yes' },
      config: { tunneling: tunneling('host:1', { headers }) },
    })
    const proxy = dial(running).connect()
    await settle()
    assert.equal(proxy.text, 'CONNECT host:1 HTTP/1.1\r\nhost: host:1\r\nx-good: yes\r\n\r\n')
    running.session.close(shutdown())
    await settle()
  })

  test('filter state can turn tunnelling off for one connection', async () => {
    const running = start({
      state: { 'envoy.tcp_proxy.disable_tunneling': 'true' },
      config: { tunneling: tunneling('host:1') },
    })
    const upstream = dial(running).connect()
    running.client.write('plain')
    await settle()
    assert.equal(upstream.text, 'plain')
    running.session.close(shutdown())
    await settle()
  })
})

describe('a tunnel by POST of HTTP/1.1', () => {
  const post = tunneling('host:1', { usePost: true, postPath: '/tunnel' })

  test('carries both directions in chunks, with half-close', async () => {
    const running = start({ config: { tunneling: post } })
    const proxy = dial(running).connect()
    running.client.write('early')
    await settle()
    assert.equal(proxy.text, 'POST /tunnel HTTP/1.1\r\nhost: host:1\r\ntransfer-encoding: chunked\r\n\r\n')
    proxy.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
    await settle()
    assert.match(proxy.text, /\r\n\r\n5\r\nearly\r\n$/)
    assert.equal(running.client.text, 'abc')
    running.client.stream.endWriting()
    await settle()
    assert.match(proxy.text, /5\r\nearly\r\n0\r\n\r\n$/)
    proxy.write('2\r\nde\r\n0\r\n\r\n')
    await settle()
    assert.equal(running.client.text, 'abcde')
    assert.equal(running.client.ended, true)
    await settle()
    assert.equal(running.log[0], 'TcpConnectionEnd - 5/5 127.0.0.1:80 client finished')
    assert.equal(running.active.requests(), 0)
  })

  test('an acceptance that is over with its head opens nothing', async () => {
    const running = start({ config: { tunneling: post }, format: '%RESPONSE_CODE% %CLOSE_DETAIL%' })
    dial(running).connect().write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    await settle()
    running.client.stream.endWriting()
    await settle()
    assert.deepEqual(running.log, ['200 the proxy answered 200 OK to POST host:1 and ended the stream'])
  })
})

test('the answer’s fields are noted in filter state, also when they refuse, and the request id in metadata', async () => {
  const config = tunneling('host:1', {
    propagateResponseHeaders: true,
    requestId: { header: 'x-request-id', metadataKey: 'tunnel_request_id' },
  })
  const running = start({
    config: { tunneling: config },
    format:
      '%FILTER_STATE(envoy.tcp_proxy.propagate_response_headers)% ' +
      '%DYNAMIC_METADATA(envoy.filters.network.tcp_proxy:tunnel_request_id)%',
  })
  const proxy = dial(running).connect()
  await settle()
  const id = /x-request-id: ([0-9a-f-]{36})\r\n/.exec(proxy.text)?.[1]
  assert.notEqual(id, undefined)
  proxy.write('HTTP/1.1 407 Who are you\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n')
  await settle()
  running.client.stream.endWriting()
  await settle()
  const [line = ''] = running.log
  assert.match(line, /\{"key":":status","value":"407"\},\{"key":"proxy-authenticate","value":"Basic"\}/)
  assert.equal(line.endsWith(` ${id}`), true)
})
