// The CONNECT that is made through a proxy: what is written, what is taken for a tunnel, and that nothing gets lost.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ConnectRequest, connectThrough } from '../../../../src/codec/http1/connect-handshake.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { memoryPair } from '../../../../src/transport/memory.ts'
import { Recorder, turns, until } from '../../../conformance/byte-stream.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const OK = 'HTTP/1.1 200 Connection established\r\n\r\n'

function handshake(given: Partial<ConnectRequest> = {}) {
  const { accepted, dialled } = memoryPair()
  const proxy = new Recorder(accepted)
  const clock = new ManualClock()
  const outcomes: string[] = []
  const request = { authority: 'b.example:443', clock, timeoutMs: 1000, ...given }
  const running = connectThrough(dialled, request, {
    onTunnel: (stream) => {
      assert.equal(stream, dialled)
      outcomes.push('tunnel')
    },
    onFailed: (cause, status) => outcomes.push(`${cause.by} ${cause.code} ${status}: ${cause.detail}`),
  })
  return { proxy, clock, outcomes, stream: dialled, running }
}

type Running = ReturnType<typeof handshake>

async function outcome({ outcomes, clock }: Running): Promise<string> {
  await until(() => outcomes.length > 0, 'an outcome')
  await turns(5)
  assert.equal(outcomes.length, 1)
  assert.equal(clock.pending, 0, 'no timer is left')
  return outcomes[0] ?? ''
}

async function answered(text: string, given: Partial<ConnectRequest> = {}): Promise<string> {
  const running = handshake(given)
  running.proxy.stream.writeLatin1(text)
  return outcome(running)
}

describe('the request', () => {
  test('has the target twice, the fields that were given, and nothing else', async () => {
    const running = handshake({
      headers: [
        ['Proxy-Authorization', 'Basic dTpw'],
        ['User-Agent', 'x y'],
      ],
    })
    await until(() => running.proxy.text.endsWith('\r\n\r\n'), 'the request')
    assert.equal(
      running.proxy.text,
      'CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\nProxy-Authorization: Basic dTpw\r\nUser-Agent: x y\r\n\r\n',
    )
    running.running.cancel(closeCause('client', 'tcp', 'client_disconnect'))
  })

  const bad: readonly Partial<ConnectRequest>[] = [
    { authority: 'b.example' },
    { authority: 'b.example:0' },
    { authority: '' },
    { authority: 'b.example:443 HTTP/1.1\r\nX: y' },
    { authority: 'u@b.example:443' },
    { authority: 'b.example:443/' },
    { headers: [['X', 'a\r\nY: b']] },
    { headers: [['X', 'a\0']] },
    { headers: [['X: y\r\nZ', 'a']] },
    { headers: [['', 'a']] },
    { headers: [['Host', 'other']] },
    { headers: [['content-LENGTH', '5']] },
    { headers: [['Transfer-Encoding', 'chunked']] },
  ]
  for (const given of bad) {
    test(`is not written with ${JSON.stringify(given)}`, async () => {
      const running = handshake(given)
      assert.equal(running.outcomes.length, 0, 'not within the call')
      assert.equal(await outcome(running), 'proxy invalid_authority 0: the CONNECT request cannot be written')
      await until(() => running.proxy.ended || running.proxy.cause !== undefined, 'the end')
      assert.equal(running.proxy.text, '')
    })
  }
})

describe('the tunnel', () => {
  for (const [name, text] of Object.entries({
    'a 200': OK,
    'a 200 in HTTP/1.0': 'HTTP/1.0 200 OK\r\n\r\n',
    'a 200 without a reason': 'HTTP/1.1 200\r\n\r\n',
    'a 200 with fields': 'HTTP/1.1 200 OK\r\nVia: 1.1 squid\r\nProxy-Agent: x\r\nConnection: close\r\n\r\n',
    'a 200 with an empty body': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'a 200 behind informational answers': `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n${OK}`,
  })) {
    test(`stands with ${name}`, async () => assert.equal(await answered(text), 'tunnel'))
  }

  test('begins with the very byte behind the head, wherever the reads fell', async () => {
    for (const cut of [1, 9, OK.length - 1, OK.length, OK.length + 2]) {
      const running = handshake()
      const text = `${OK}\x16\x03\x01server first`
      running.proxy.stream.writeLatin1(text.slice(0, cut))
      await turns(5)
      running.proxy.stream.writeLatin1(text.slice(cut))
      assert.equal(await outcome(running), 'tunnel')
      running.proxy.stream.writeLatin1(' and more')
      const taken = new Recorder(running.stream)
      await until(() => taken.bytes === text.length - OK.length + 9, 'all bytes')
      assert.equal(taken.text, '\x16\x03\x01server first and more')
      taken.stream.writeLatin1('up')
      await until(() => running.proxy.text.endsWith('\r\n\r\nup'), 'the answer')
    }
  })

  test('keeps an end that came with the answer', async () => {
    const running = handshake()
    running.proxy.stream.writeLatin1(`${OK}bye`)
    running.proxy.stream.endWriting()
    assert.equal(await outcome(running), 'tunnel')
    const taken = new Recorder(running.stream)
    await until(() => taken.ended, 'the end')
    assert.equal(taken.text, 'bye')
  })

  test('reads nothing until somebody takes it', async () => {
    const running = handshake()
    running.proxy.stream.writeLatin1(OK)
    assert.equal(await outcome(running), 'tunnel')
    running.proxy.stream.writeLatin1('waits')
    await turns(10)
    const taken = new Recorder(running.stream)
    await until(() => taken.text === 'waits', 'the bytes')
  })
})

describe('no tunnel', () => {
  const CODE = 'upstream upstream_connection_failure'
  const refusals: Readonly<Record<string, readonly [text: string, outcome: string]>> = {
    'a 403': [
      'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno',
      `${CODE} 403: the proxy answered CONNECT with 403 Forbidden`,
    ],
    'a 407': [
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
      `${CODE} 407: the proxy answered CONNECT with 407 Proxy Authentication Required: it wants proxy authentication, or other credentials`,
    ],
    'a 407 without a reason': [
      'HTTP/1.1 407\r\n\r\n',
      `${CODE} 407: the proxy answered CONNECT with 407: it wants proxy authentication, or other credentials`,
    ],
    'a 204': ['HTTP/1.1 204 No Content\r\n\r\n', `${CODE} 204: the proxy answered CONNECT with 204 No Content`],
    'a 302': ['HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n', `${CODE} 302: the proxy answered CONNECT with 302 Found`],
    'a reason that is not printable': [
      'HTTP/1.1 500 \xe9\t\xff\r\n\r\n',
      `${CODE} 500: the proxy answered CONNECT with 500 ???`,
    ],
    'a long reason': [
      `HTTP/1.1 500 ${'x'.repeat(1500)}\r\n\r\n`,
      `${CODE} 500: the proxy answered CONNECT with 500 ${'x'.repeat(100)}`,
    ],
    'a 200 with a body': [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
      `${CODE} 200: the proxy answered CONNECT with 200 and a body`,
    ],
    'a 200 in chunks': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      `${CODE} 200: the proxy answered CONNECT with 200 and a body`,
    ],
    'a 200 with both framings': [
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n',
      `${CODE} 0: the answer of the proxy is malformed: both Content-Length and Transfer-Encoding are present`,
    ],
    'a 101': [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      `${CODE} 0: the answer of the proxy is malformed: the upstream answered 101 to a request that asked for no upgrade`,
    ],
    'bare line feeds': [
      'HTTP/1.1 200 OK\n\n',
      `${CODE} 0: the answer of the proxy is malformed: a line ends in LF without CR`,
    ],
    'another protocol': [
      'SSH-2.0-x\r\n\r\n',
      `${CODE} 0: the answer of the proxy is malformed: the status line is not "version status reason"`,
    ],
    'HTTP/2': [
      'HTTP/2 200 OK\r\n\r\n',
      `${CODE} 0: the answer of the proxy is malformed: the status line is not "version status reason"`,
    ],
    'an empty line': [
      `\r\n${OK}`,
      `${CODE} 0: the answer of the proxy is malformed: the status line is not "version status reason"`,
    ],
    'a head that is too large': [
      `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(3000)}\r\n\r\n`,
      `${CODE} 0: the answer of the proxy is malformed: the head is too large`,
    ],
    'informational answers without end': [
      'HTTP/1.1 100 Continue\r\n\r\n'.repeat(200),
      `${CODE} 0: the answer of the proxy is malformed: the head is too large`,
    ],
  }
  for (const [name, [text, expected]] of Object.entries(refusals)) {
    test(`with ${name}`, async () => {
      const running = handshake()
      running.proxy.stream.writeLatin1(text)
      assert.equal(await outcome(running), expected)
      assert.notEqual(running.stream.closed, undefined)
      await until(() => running.proxy.ended || running.proxy.cause !== undefined, 'the end of the connection')
    })
  }

  test('a head exactly as large as it may be is read', async () => {
    const head = (fill: number): string => `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(fill)}\r\n\r\n`
    const fill = 2000 - head(0).length
    assert.equal(await answered(head(fill)), 'tunnel')
    assert.match(await answered(head(fill + 1)), /too large/)
    assert.equal(await answered(head(fill + 1), { maxHeadBytes: 2001 }), 'tunnel')
  })

  test('when the proxy ends or is lost', async () => {
    const ended = handshake()
    ended.proxy.stream.writeLatin1('HTTP/1.1 200 OK\r\n')
    ended.proxy.stream.endWriting()
    assert.equal(await outcome(ended), `${CODE} 0: the proxy ended the connection before it answered CONNECT`)
    const lost = handshake()
    lost.proxy.stream.reset(closeCause('operator', 'server', 'admin_close'))
    assert.equal(
      await outcome(lost),
      `${CODE} 0: the connection to the proxy was lost before it answered CONNECT: connection reset by peer`,
    )
  })

  test('when time is over', async () => {
    const running = handshake()
    running.proxy.stream.writeLatin1('HTTP/1.1 ')
    await turns(5)
    running.clock.advance(1000)
    assert.equal(
      await outcome(running),
      'upstream upstream_connection_timeout 0: the proxy did not answer CONNECT within 1000 ms',
    )
    running.proxy.stream.writeLatin1('200 OK\r\n\r\n')
    await turns(5)
    assert.equal(running.outcomes.length, 1)
  })

  test('and no word after it was cancelled', async () => {
    const running = handshake()
    running.running.cancel(closeCause('client', 'tcp', 'client_disconnect'))
    running.running.cancel(closeCause('client', 'tcp', 'client_disconnect'))
    running.proxy.stream.writeLatin1(OK)
    await turns(10)
    assert.deepEqual([running.outcomes, running.clock.pending], [[], 0])
    assert.notEqual(running.stream.closed, undefined)
  })

  test('credentials are in no cause', async () => {
    const outcomeText = await answered('HTTP/1.1 407 No\r\n\r\n', {
      headers: [['Proxy-Authorization', 'Basic c2VjcmV0']],
    })
    assert.equal(outcomeText.includes('c2VjcmV0'), false)
  })
})
