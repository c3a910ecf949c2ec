// The request of a UDP tunnel: what a format string evaluates to never leaves its place.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFormat } from '../../../../src/config/model/format-parse.ts'
import type { FormatTemplate } from '../../../../src/config/model/format-template.ts'
import type { Place } from '../../../../src/config/model/place.ts'
import type { UdpTunnelingConfig } from '../../../../src/config/model/udp-proxy.ts'
import { nextConnectionId } from '../../../../src/core/ids.ts'
import { udpTunnelHead } from '../../../../src/filter/udp/tunnel-head.ts'
import { blankFacts } from '../../../../src/format/blank-facts.ts'
import type { StreamFacts } from '../../../../src/format/stream-facts.ts'
import { tcpAddress } from '../../../../src/transport/address.ts'
import { ConnectionState } from '../../../../src/transport/connection-state.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const place: Place = { file: 'envoy.yaml', line: 1, column: 1, path: '' }

function template(source: string): FormatTemplate {
  const parsed = parseFormat(source)
  assert.ok(parsed.kind === 'template', source)
  return parsed.template
}

function config(changes: Partial<UdpTunnelingConfig> = {}): UdpTunnelingConfig {
  return {
    proxyHost: template('proxy.example'),
    proxyPort: undefined,
    targetHost: template('%FILTER_STATE(target:PLAIN)%'),
    defaultTargetPort: 443,
    usePost: false,
    postPath: '/',
    maxConnectAttempts: 1,
    backoff: undefined,
    headers: [],
    buffer: undefined,
    propagateResponseHeaders: false,
    propagateResponseTrailers: false,
    place,
    ...changes,
  }
}

function facts(state: Readonly<Record<string, string>>): StreamFacts {
  const connection = new ConnectionState()
  for (const [key, value] of Object.entries(state)) connection.filterState.set(key, value)
  const info = { local: tcpAddress('127.0.0.1', 1), remote: tcpAddress('127.0.0.1', 2), state: connection }
  const entrance = { listenerName: 'in', filterChainName: '' }
  return blankFacts(new ManualClock(), nextConnectionId(), info, entrance, undefined)
}

function pathFor(state: Readonly<Record<string, string>>): string {
  const made = udpTunnelHead(config(), facts(state), false)
  return made.kind === 'head' ? made.head.path : made.explanation
}

test('the target and its port come from the configuration, or from filter state', () => {
  assert.equal(pathFor({ target: 'a.example' }), '/.well-known/masque/udp/a.example/443/')
  assert.equal(pathFor({ target: '::1', 'udp.connect.target_port': '53' }), '/.well-known/masque/udp/%3A%3A1/53/')
  assert.equal(pathFor({ target: 'a', 'udp.connect.target_port': '65536' }), '/.well-known/masque/udp/a/443/')
  assert.equal(pathFor({ target: 'a', 'udp.connect.target_port': '1/../2' }), '/.well-known/masque/udp/a/443/')
})

test('a target that is no host opens no tunnel', () => {
  for (const target of ['', 'a/b', '../x', 'a b', 'a\r\nx: y', 'a@b', 'a?b', '%2e']) {
    assert.match(pathFor({ target }), /target_host .* is no host/, target)
  }
})

test('a proxy host that is no host opens no tunnel', () => {
  for (const host of ['', 'a/b', 'a b', 'a\r\nhost: b', '[::1', 'a@b']) {
    const proxyHost = template('%FILTER_STATE(proxy:PLAIN)%')
    const made = udpTunnelHead(config({ proxyHost }), facts({ proxy: host, target: 'a' }), false)
    assert.equal(made.kind, 'invalid', host)
  }
})

test('added headers cannot change the tunnel', () => {
  const add = (name: string): UdpTunnelingConfig['headers'][number] => ({
    name,
    value: template('changed'),
    action: 'overwrite-or-add',
    keepEmpty: false,
  })
  const headers = ['capsule-protocol', 'connection', 'upgrade', 'content-length', 'host', ':path', 'x-own'].map(add)
  const made = udpTunnelHead(config({ headers }), facts({ target: 'a' }), true)
  assert.ok(made.kind === 'head')
  assert.deepEqual(made.head.headers.fields, [
    ...['connection', 'upgrade', 'upgrade', 'connect-udp', 'capsule-protocol', '?1', 'x-own', 'changed'],
  ])
  assert.equal(made.head.scheme, 'https')
})

test('POST has the configured path and no capsule-protocol', () => {
  const made = udpTunnelHead(config({ usePost: true, postPath: '/udp', proxyPort: 8080 }), facts({}), false)
  assert.ok(made.kind === 'head')
  const { method, path, authority, tunnel, headers } = made.head
  assert.deepEqual(
    [method, path, authority, tunnel, headers.size],
    ['POST', '/udp', 'proxy.example:8080', undefined, 0],
  )
})
