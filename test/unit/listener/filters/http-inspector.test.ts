import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REQUEST_LINE_BYTES } from '../../../../src/core/limits.ts'
import { httpInspector } from '../../../../src/listener/filters/http-inspector.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { filteredStream } from '../../../support/filtered-stream.ts'

/** ALPN facts and the statistic that moved; undefined while the filter waits. */
async function inspected(...pieces: readonly string[]): Promise<string | undefined> {
  const registry = new StatRegistry()
  const client = filteredStream(httpInspector(registry))
  for (const piece of pieces) await client.send(piece)
  const outcome = client.outcome()
  const [stat] = registry.all().filter((each) => each.kind === 'counter' && each.value === 1)
  if (outcome === undefined) return undefined
  if (outcome.kind === 'passed') assert.equal(await client.rest(), pieces.join(''), 'no byte is taken')
  assert.equal(client.info().state?.sniffedProtocol ?? '', client.facts.alpn[0] ?? '')
  return `${outcome.kind} ${client.facts.alpn.join()} ${stat?.name}`
}

test('HTTP is told by its request line or preface', async () => {
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  for (const [pieces, expected] of [
    [['GET / HTTP/1.1\r\n'], 'passed http/1.1 http_inspector.http11_found'],
    [['GET / HTTP/1.1', '\r', '\n'], 'passed http/1.1 http_inspector.http11_found'],
    [['CONNECT a:1 HTTP/1.0\n'], 'passed http/1.0 http_inspector.http10_found'],
    [[preface.slice(0, 10), preface.slice(10)], 'passed h2c http_inspector.http2_found'],
    [['PRI * HTTP/2.0\r\n\r\nSMx'], 'passed  http_inspector.http_not_found'],
    [['PRIVATE / HTTP/1.1\r\n'], 'passed http/1.1 http_inspector.http11_found'],
    [['P'], undefined],
    [['GET /'], undefined],
  ] as const) {
    assert.equal(await inspected(...pieces), expected, JSON.stringify(pieces))
  }
})

test('what is no HTTP passes as soon as that is clear', async () => {
  const others = [
    '\x16\x03\x01',
    '\r\nGET',
    '\0',
    'SSH-2.0-x\r\n',
    'GET /\r\n',
    'GET / HTTP/2.0\r\n',
    'GET  / HTTP/1.1\r\n',
    'x'.repeat(70),
  ]
  for (const bytes of others) {
    assert.equal(await inspected(bytes), 'passed  http_inspector.http_not_found', JSON.stringify(bytes))
  }
})

test('a request line has a bounded length', async () => {
  const refused = await inspected(`GET /${'x'.repeat(REQUEST_LINE_BYTES)}`)
  assert.equal(refused, 'refused  http_inspector.read_error')
})

test('a client that ends before it said anything passes with its end', async () => {
  const client = filteredStream(httpInspector(new StatRegistry()))
  await client.end()
  assert.deepEqual(client.outcome(), { kind: 'passed' })
  assert.equal(await client.rest(), 'end')
})

test('nothing is read where an inspector before it saw TLS', () => {
  const client = filteredStream({
    run(stream, facts, limits, done) {
      facts.transportProtocol = 'tls'
      httpInspector(new StatRegistry()).run(stream, facts, limits, done)
    },
  })
  assert.deepEqual(client.outcome(), { kind: 'passed' })
})
