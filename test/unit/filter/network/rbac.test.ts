import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { before, describe, test } from 'node:test'
import type { NetworkRbac, RbacCondition, RbacRules } from '../../../../src/config/model/network-rbac.ts'
import { NOWHERE } from '../../../../src/config/model/place.ts'
import { networkRbac } from '../../../../src/filter/network/rbac/rbac.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { tcpAddress } from '../../../../src/transport/address.ts'
import type { TlsInfo } from '../../../../src/transport/byte-stream.ts'
import { ConnectionState } from '../../../../src/transport/connection-state.ts'
import { authority } from '../../../support/certificates.ts'
import { askGate, type GateVisitor } from '../../../support/gate-arrival.ts'

const ANY: RbacCondition = { kind: 'any' }

function rules(
  action: RbacRules['action'],
  policies: Readonly<Record<string, readonly [permission: RbacCondition, principal: RbacCondition]>>,
): RbacRules {
  const list = Object.entries(policies).map(([name, [permission, principal]]) => ({
    name,
    permissions: [permission],
    principals: [principal],
  }))
  return { action, policies: list }
}

const rbac = (more: Partial<NetworkRbac>): NetworkRbac => ({
  kind: 'rbac',
  statPrefix: 'in',
  rules: undefined,
  shadowRules: undefined,
  shadowStatPrefix: '',
  enforcement: 'once',
  delayDenyMs: undefined,
  place: NOWHERE,
  ...more,
})

/** The details of a refusal, or `admitted`. */
function judged(config: NetworkRbac, visitor: GateVisitor = {}, registry = new StatRegistry()): string {
  const { admission } = askGate(networkRbac(config, registry), visitor)
  return admission.kind === 'admitted' ? 'admitted' : admission.cause.detail
}

/** Whether one condition holds of a visitor, as permission and as principal. */
const meets = (condition: RbacCondition, visitor: GateVisitor): boolean =>
  judged(rbac({ rules: rules('allow', { p: [condition, ANY] }) }), visitor) === 'admitted' &&
  judged(rbac({ rules: rules('deny', { p: [ANY, condition] }) }), visitor) !== 'admitted'

const range = (address: string, prefixLength: number): { address: string; prefixLength: number } => ({
  address,
  prefixLength,
})

describe('actions', () => {
  const home: RbacCondition = { kind: 'remote-ip', range: range('10.0.0.0', 8) }

  test('allow lets in whom a policy names, deny everybody else, log everybody', () => {
    for (const [action, inside, outside] of [
      ['allow', 'admitted', 'rbac_access_denied_matched_policy[none]'],
      ['deny', 'rbac_access_denied_matched_policy[my_home]', 'admitted'],
      ['log', 'admitted', 'admitted'],
    ] as const) {
      const config = rbac({ rules: rules(action, { 'my home': [ANY, home] }) })
      assert.equal(judged(config, { remote: '10.1.2.3' }), inside, action)
      assert.equal(judged(config, { remote: '192.0.2.1' }), outside, action)
    }
  })

  test('rules without policies allow nobody; no rules, everybody', () => {
    assert.equal(judged(rbac({ rules: rules('allow', {}) })), 'rbac_access_denied_matched_policy[none]')
    assert.equal(judged(rbac({ rules: rules('deny', {}) })), 'admitted')
    assert.equal(judged(rbac({})), 'admitted')
  })

  test('the first policy by name counts', () => {
    const config = rbac({ rules: rules('deny', { b: [ANY, ANY], a: [ANY, ANY] }) })
    assert.equal(judged(config), 'rbac_access_denied_matched_policy[a]')
  })

  test('a refusal may be held back', () => {
    const { admission } = askGate(
      networkRbac(rbac({ rules: rules('allow', {}), delayDenyMs: 250 }), new StatRegistry()),
    )
    assert.equal(admission.kind === 'refused' && admission.delayMs, 250)
  })
})

describe('conditions', () => {
  test('addresses: after a PROXY header, and before it', () => {
    const state = new ConnectionState()
    state.directRemote = tcpAddress('10.0.0.9', 1)
    const visitor = { remote: '2001:db8::5', local: '192.168.1.1', state }
    assert.ok(meets({ kind: 'remote-ip', range: range('2001:db8::', 32) }, visitor))
    assert.ok(!meets({ kind: 'remote-ip', range: range('10.0.0.0', 8) }, visitor))
    assert.ok(meets({ kind: 'direct-remote-ip', range: range('10.0.0.0', 8) }, visitor))
    assert.ok(meets({ kind: 'direct-remote-ip', range: range('192.0.2.0', 24) }, {}))
    assert.ok(meets({ kind: 'destination-ip', range: range('192.168.1.1', 32) }, visitor))
    assert.ok(!meets({ kind: 'destination-ip', range: range('192.168.1.0', 32) }, visitor))
  })

  test('ports: one, or from here to before there', () => {
    assert.ok(meets({ kind: 'destination-port', from: 443, to: 444 }, { localPort: 443 }))
    assert.ok(!meets({ kind: 'destination-port', from: 443, to: 444 }, { localPort: 444 }))
    assert.ok(!meets({ kind: 'destination-port', from: 443, to: 444 }, { localPort: 442 }))
  })

  test('server names, of the session or as an inspector saw them', () => {
    const named: RbacCondition = {
      kind: 'server-name',
      match: { kind: 'suffix', value: '.example', ignoreCase: false },
    }
    assert.ok(meets(named, { serverName: 'app.example' }))
    assert.ok(meets(named, { serverName: '', tls: tlsInfo({ serverName: 'app.example' }) }))
    assert.ok(!meets(named, {}))
  })

  test('and, or, not', () => {
    const yes = ANY
    const no: RbacCondition = { kind: 'not', condition: ANY }
    assert.ok(meets({ kind: 'all-of', conditions: [yes, yes] }, {}))
    assert.ok(!meets({ kind: 'all-of', conditions: [yes, no] }, {}))
    assert.ok(meets({ kind: 'any-of', conditions: [no, yes] }, {}))
    assert.ok(!meets({ kind: 'any-of', conditions: [no, no] }, {}))
    assert.ok(!meets(no, {}))
  })
})

describe('client certificates', () => {
  let certificate: Buffer

  before(async () => {
    const leaf = await (await authority()).issue({ name: 'bob', dns: ['bob.example'], uris: ['spiffe://a/bob'] })
    certificate = new X509Certificate(leaf.certificate).raw
  })

  const authenticated = (value?: string): RbacCondition => ({
    kind: 'authenticated',
    match: value === undefined ? undefined : { kind: 'exact', value, ignoreCase: false },
  })

  test('are matched by URI, DNS name and subject', () => {
    const bob = { tls: tlsInfo({ peerCertificate: certificate, peerVerified: true }) }
    for (const name of ['spiffe://a/bob', 'bob.example', 'CN=bob', undefined])
      assert.ok(meets(authenticated(name), bob), name ?? 'any')
    for (const name of ['spiffe://a/bo', 'alice.example', 'bob', '127.0.0.1'])
      assert.ok(!meets(authenticated(name), bob), name)
  })

  test('that nobody vouches for prove nothing', () => {
    const stranger = { tls: tlsInfo({ peerCertificate: certificate, peerVerified: false }) }
    for (const name of ['spiffe://a/bob', undefined]) assert.ok(!meets(authenticated(name), stranger))
    assert.ok(!meets(authenticated(), {}))
    assert.ok(!meets(authenticated(), { tls: tlsInfo({}) }))
  })
})

describe('statistics and shadow rules', () => {
  test('both are counted; shadow rules refuse nobody and leave a note', () => {
    const registry = new StatRegistry()
    const config = rbac({
      rules: rules('allow', { all: [ANY, ANY] }),
      shadowRules: rules('deny', { everybody: [ANY, ANY] }),
      shadowStatPrefix: 'try_',
    })
    const { admission, stream } = askGate(networkRbac(config, registry))
    assert.equal(admission.kind, 'admitted')
    assert.deepEqual(
      [...(stream.info.state?.metadata.get('envoy.filters.network.rbac') ?? [])],
      [
        ['try_shadow_effective_policy_id', 'everybody'],
        ['try_shadow_engine_result', 'denied'],
      ],
    )
    assert.equal(judged(rbac({ rules: rules('allow', {}) }), {}, registry), 'rbac_access_denied_matched_policy[none]')
    const moved = registry.all().filter((stat) => stat.kind === 'counter' && stat.value > 0)
    assert.deepEqual(
      moved.map(({ name }) => name),
      ['in.rbac.allowed', 'in.rbac.denied', 'in.rbac.try_.shadow_denied'],
    )
  })
})

const tlsInfo = (more: Partial<TlsInfo>): TlsInfo => ({
  version: 'TLSv1.3',
  cipher: '',
  serverName: '',
  alpn: '',
  sessionId: '',
  sessionReused: false,
  peerVerified: false,
  ...more,
})
