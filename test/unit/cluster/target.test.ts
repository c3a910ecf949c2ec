import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readIpTarget, readTarget, targetFrom, targetOfConnection } from '../../../src/cluster/target.ts'
import type { Cluster } from '../../../src/config/model/cluster.ts'
import { ConnectionState } from '../../../src/transport/connection-state.ts'
import type { StreamInfo } from '../../../src/transport/byte-stream.ts'
import { address, requestHead } from '../../support/exchange-facts.ts'
import { cluster, upstreamTls } from './build.ts'

const forward = (more: Partial<Cluster> = {}) => cluster({ discovery: 'dynamic-forward-proxy', ...more })
const byHeader = (headerName: string) =>
  cluster({ discovery: 'original-dst', originalDestination: { headerName, portOverride: undefined, cleanupMs: 5000 } })

test('a dynamic forward proxy asks for the authority, with the port that TLS implies', () => {
  const named = (authority: string, config = forward()) => targetFrom(config, requestHead([], { authority }))
  assert.equal(named('a.example'), 'a.example:80')
  assert.equal(named('a.example:'), 'a.example:80')
  assert.equal(named('a.example:8080'), 'a.example:8080')
  assert.equal(named('[::1]'), '[::1]:80')
  assert.equal(named('[::1]:8080'), '[::1]:8080')
  assert.equal(named('a.example', forward({ tls: upstreamTls })), 'a.example:443')
  assert.equal(named(''), undefined)
})

test('an original-dst cluster asks for its header', () => {
  const head = requestHead(['x-envoy-original-dst-host', '10.0.0.1:80'], { authority: '10.0.0.2:443' })
  assert.equal(targetFrom(byHeader('x-envoy-original-dst-host'), head), '10.0.0.1:80')
  assert.equal(targetFrom(byHeader(':authority'), head), '10.0.0.2:443')
  assert.equal(targetFrom(byHeader('x-missing'), head), undefined)
  assert.equal(targetFrom(byHeader(''), head), undefined)
  const twice = requestHead(['x-to', '10.0.0.1:80', 'x-to', '10.0.0.9:80'])
  assert.equal(targetFrom(byHeader('x-to'), twice), '10.0.0.1:80', 'the first value counts')
})

test('other clusters ask for nothing', () => {
  for (const discovery of ['static', 'strict-dns', 'logical-dns'] as const)
    assert.equal(targetFrom(cluster({ discovery }), requestHead()), undefined)
})

test('a connection without HTTP asks for filter state, else its server name', () => {
  const state = new ConnectionState()
  const info: StreamInfo = { local: address('127.0.0.1', 1), remote: address('127.0.0.1', 2), state }
  assert.equal(targetOfConnection(forward(), info, ''), undefined)
  assert.equal(targetOfConnection(forward(), info, 'a.example'), 'a.example:80')
  assert.equal(targetOfConnection(cluster(), info, 'a.example'), undefined)
  state.filterState.set('envoy.upstream.dynamic_host', 'b.example')
  state.filterState.set('envoy.upstream.dynamic_port', '8443')
  assert.equal(targetOfConnection(forward(), info, 'a.example'), 'b.example:8443')
  state.filterState.set('envoy.upstream.dynamic_host', '::1')
  assert.equal(targetOfConnection(forward(), info, ''), '[::1]:8443')
})

const TARGETS: readonly (readonly [text: string, outcome: string | RegExp])[] = [
  ['A.Example.:443', 'a.example:443'],
  ['10.0.0.1:80', '10.0.0.1:80'],
  ['[::1]:80', '[::1]:80'],
  ['[0:0::1]:80', '[::1]:80'],
  ['[::ffff:127.0.0.1]:80', '127.0.0.1:80'],
  ['a:1', 'a:1'],
  ['a:65535', 'a:65535'],
  ['', /has no port/],
  ['a', /has no port/],
  ['[::1]', /has no port/],
  ['a:', /port that is not a number/],
  ['a:0', /port that is not a number/],
  ['a:65536', /port that is not a number/],
  ['a:080', /port that is not a number/],
  ['a:+80', /port that is not a number/],
  ['a:8 0', /port that is not a number/],
  ['a:99999999999999999999', /port that is not a number/],
  [':80', /is empty/],
  ['::1:80', /IPv6 address without brackets/],
  ['a:b:80', /IPv6 address without brackets, or two ports/],
  ['[a]:80', /brackets around what is no IPv6 address/],
  ['[127.0.0.1]:80', /brackets around what is no IPv6 address/],
  ['[::1]x:80', /without brackets/],
  ['[fe80::1%eth0]:80', /has a zone/],
  ['user@a:80', /a character that no host name has/],
  ['127.1:80', /short or non-decimal/],
  ['2130706433:80', /short or non-decimal/],
  ['0x7f.1:80', /short or non-decimal/],
]

test('a target is read strictly', async (t) => {
  for (const [text, outcome] of TARGETS) {
    await t.test(text, () => {
      const read = readTarget(text)
      if (typeof outcome === 'string') assert.equal(read.kind === 'target' && read.text, outcome)
      else assert.match(read.kind === 'invalid' ? read.reason : `read as ${read.text}`, outcome)
    })
  }
})

test('an original destination by header is an address and a port, nothing else', () => {
  assert.equal(readIpTarget('10.0.0.1:80')?.text, '10.0.0.1:80')
  assert.equal(readIpTarget(' [::1]:80 ')?.text, '[::1]:80')
  for (const text of [
    'a.example:80',
    '10.0.0.1',
    '10.0.0.1:80,10.0.0.2:80',
    '::1:80',
    '10.0.0.1:0',
    'localhost:80',
    '',
  ])
    assert.equal(readIpTarget(text), undefined, text)
})
