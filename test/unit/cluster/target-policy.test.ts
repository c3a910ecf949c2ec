import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkInterfaces } from 'node:os'
import { OwnListeners } from '../../../src/cluster/own-listeners.ts'
import { TargetJudge } from '../../../src/cluster/target-policy.ts'
import { readTargetRule } from '../../../src/config/model/target-rule-text.ts'
import { place, socket } from './build.ts'

function judge(rules: readonly string[] = [], onlyAllowed = false, own = new OwnListeners()): TargetJudge {
  const allow = rules.map((text) => {
    const read = readTargetRule(text)
    if (read.kind === 'invalid') throw new Error(read.message)
    return read.rule
  })
  return new TargetJudge({ allow, onlyAllowed, place: place(12) }, own)
}

const REFUSED: readonly (readonly [ip: string, says: string])[] = [
  ['127.0.0.1', 'a loopback address (127.0.0.0/8)'],
  ['127.255.255.254', 'a loopback address (127.0.0.0/8)'],
  ['::1', 'a loopback address (::1/128)'],
  ['0.0.0.0', 'the unspecified address (0.0.0.0/8)'],
  ['0.1.2.3', 'the unspecified address (0.0.0.0/8)'],
  ['::', 'the unspecified address (::/128)'],
  ['169.254.169.254', 'a link-local address (169.254.0.0/16)'],
  ['fe80::1', 'a link-local address (fe80::/10)'],
  ['febf::1', 'a link-local address (fe80::/10)'],
  ['10.0.0.1', 'a private address (10.0.0.0/8)'],
  ['172.16.0.1', 'a private address (172.16.0.0/12)'],
  ['172.31.255.255', 'a private address (172.16.0.0/12)'],
  ['192.168.1.1', 'a private address (192.168.0.0/16)'],
  ['fc00::1', 'a private address (fc00::/7)'],
  ['fd00:ec2::254', 'a private address (fc00::/7)'],
  ['fec0::1', 'a private address (fec0::/10)'],
  ['100.64.0.1', 'a shared carrier address (100.64.0.0/10)'],
  ['100.100.100.200', 'a shared carrier address (100.64.0.0/10)'],
  ['100.127.255.255', 'a shared carrier address (100.64.0.0/10)'],
  ['224.0.0.1', 'a multicast address (224.0.0.0/4)'],
  ['239.255.255.250', 'a multicast address (224.0.0.0/4)'],
  ['ff02::1', 'a multicast address (ff00::/8)'],
  ['255.255.255.255', 'the broadcast address (255.255.255.255/32)'],
  ['240.0.0.1', 'a reserved address (240.0.0.0/4)'],
  ['192.0.0.192', 'a reserved address (192.0.0.0/24)'],
  ['198.18.0.1', 'a reserved address (198.18.0.0/15)'],
  ['192.0.2.1', 'a documentation address (192.0.2.0/24)'],
  ['2001:db8::1', 'a documentation address (2001:db8::/32)'],
  ['2001::1', 'a reserved address (2001::/23)'],
  ['168.63.129.16', 'the address of a cloud host service (168.63.129.16/32)'],
  ['::ffff:127.0.0.1', 'a loopback address (127.0.0.0/8)'],
  ['::ffff:a9fe:a9fe', 'a link-local address (169.254.0.0/16)'],
  ['::ffff:0:127.0.0.1', 'a reserved address (outside 2000::/3)'],
  ['::127.0.0.1', 'a reserved address (outside 2000::/3)'],
  ['64:ff9b::127.0.0.1', 'a loopback address inside a NAT64 address (127.0.0.0/8)'],
  ['64:ff9b::a9fe:a9fe', 'a link-local address inside a NAT64 address (169.254.0.0/16)'],
  ['64:ff9b:1::10.0.0.1', 'a reserved address (outside 2000::/3)'],
  ['2002:7f00:1::', 'a loopback address inside a 6to4 address (127.0.0.0/8)'],
  ['2002:a00:1::1', 'a private address inside a 6to4 address (10.0.0.0/8)'],
  ['100::1', 'a reserved address (outside 2000::/3)'],
  ['4000::1', 'a reserved address (outside 2000::/3)'],
]

test('addresses that are not of the public internet are refused, with the range that says so', async (t) => {
  for (const [ip, says] of REFUSED) {
    await t.test(ip, () => {
      const refusal = judge().refusal('', ip, 80)
      assert.ok(
        refusal?.includes(`is ${says}, which the target policy (envoy.yaml:12) refuses`),
        refusal ?? 'permitted',
      )
    })
  }
})

test('public addresses next to refused ranges pass', () => {
  const near = [
    '126.255.255.255',
    '128.0.0.1',
    '9.255.255.255',
    '11.0.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
  ]
  near.push('100.63.255.255', '100.128.0.0', '169.253.255.255', '223.255.255.255', '1.1.1.1', '168.63.129.17')
  near.push(
    '2606:4700::1111',
    '2001:200::1',
    '2001:4860::1',
    '3ffe::1',
    '2003::1',
    '64:ff9b::1.1.1.1',
    '2002:101:101::1',
  )
  for (const ip of near) assert.equal(judge().refusal('', ip, 443), undefined, ip)
})

test('what is no plain address is refused whatever is allowed', () => {
  for (const ip of ['', 'localhost', '127.1', '0x7f.1', '2130706433', 'fe80::1%eth0', '[::1]'])
    assert.match(
      judge(['*', 'localhost', '0.0.0.0/0', '::/0']).refusal('localhost', ip, 80) ?? '',
      /is no plain IP address/,
    )
})

test('rules open what they name, on the ports that they name', () => {
  const rules = ['10.0.0.5:22', 'db.corp:5432', '*.corp.example:443', '[::1]:8000-8100', '192.168.0.0/16']
  const refusal = (name: string, ip: string, port: number) => judge(rules).refusal(name, ip, port)
  assert.equal(refusal('', '10.0.0.5', 22), undefined)
  assert.match(refusal('', '10.0.0.5', 23) ?? '', /private/)
  assert.match(refusal('', '10.0.0.6', 22) ?? '', /private/)
  assert.equal(refusal('any.example', '10.0.0.5', 22), undefined, 'a network rule holds for whatever leads there')
  assert.equal(refusal('db.corp', '10.9.9.9', 5432), undefined)
  assert.match(refusal('', '10.9.9.9', 5432) ?? '', /private/, 'a rule for a name is none for its address')
  assert.match(refusal('db.corp', '10.9.9.9', 22) ?? '', /private/)
  assert.equal(refusal('a.corp.example', '10.1.1.1', 443), undefined)
  assert.equal(refusal('a.b.corp.example', '10.1.1.1', 443), undefined)
  assert.match(refusal('corp.example', '10.1.1.1', 443) ?? '', /private/, 'the suffix itself is not below it')
  assert.match(refusal('evilcorp.example', '10.1.1.1', 443) ?? '', /private/)
  assert.match(refusal('.corp.example', '10.1.1.1', 443) ?? '', /private/)
  assert.equal(refusal('', '::1', 8050), undefined)
  assert.match(refusal('', '::1', 8101) ?? '', /loopback/)
  assert.equal(refusal('', '192.168.9.9', 1), undefined)
  assert.equal(refusal('', '::ffff:192.168.9.9', 1), undefined, 'a mapped address is the IPv4 one')
  assert.match(refusal('', '64:ff9b::192.168.9.9', 1) ?? '', /NAT64/, 'an embedding one is another')
})

test('a rule for every host opens nothing that is refused', () => {
  assert.match(judge(['*']).refusal('metadata.example', '169.254.169.254', 80) ?? '', /link-local/)
  assert.match(judge(['*:80'], true).refusal('', '127.0.0.1', 80) ?? '', /loopback/)
})

test('onlyAllowed refuses whatever no rule names', () => {
  const only = judge(['*.example:443', '*:8443', '1.0.0.0/8:53'], true)
  assert.equal(only.refusal('a.example', '1.1.1.1', 443), undefined)
  assert.match(only.refusal('a.example', '9.1.1.1', 80) ?? '', /^the target a\.example:80 is named by no allow rule/)
  assert.equal(only.refusal('other.test', '9.1.1.1', 8443), undefined)
  assert.equal(only.refusal('', '1.2.3.4', 53), undefined)
  assert.match(only.refusal('', '9.2.3.4', 53) ?? '', /named by no allow rule/)
  assert.match(judge([], true).refusal('', '1.1.1.1', 443) ?? '', /named by no allow rule/)
})

test('a name that nothing can permit is refused before it is looked up', () => {
  assert.equal(judge().nameRefusal('a.example', 80), undefined, 'without onlyAllowed the address decides')
  assert.match(
    judge(['b.example'], true).nameRefusal('a.example', 80) ?? '',
    /^the target a\.example:80 is named by no allow rule/,
  )
  assert.equal(judge(['a.example'], true).nameRefusal('a.example', 80), undefined)
  assert.equal(judge(['*:80'], true).nameRefusal('a.example', 80), undefined)
  assert.match(judge(['*:80'], true).nameRefusal('a.example', 81) ?? '', /named by no/)
  assert.equal(judge(['1.0.0.0/8'], true).nameRefusal('a.example', 80), undefined, 'its address may be in the network')
})

test('a refusal names the rule to add and where, and not the address behind a name', () => {
  const refusal = judge().refusal('db.corp', '10.1.2.3', 5432) ?? ''
  assert.equal(
    refusal,
    'the target db.corp:5432 resolves to a private address (10.0.0.0/8), which the target policy (envoy.yaml:12) refuses; to permit ' +
      `it, add the allow rule "db.corp:5432" there (sluice proxy: --allow 'db.corp:5432')`,
  )
  assert.match(judge().refusal('', '::1', 22) ?? '', /add the allow rule "\[::1\]:22"/)
})

test('the rule that a refusal suggests permits the target', () => {
  const asked: readonly (readonly [string, string, number])[] = [
    ['', '10.0.0.1', 80],
    ['', '::1', 22],
    ['', '64:ff9b::a00:1', 22],
    ['db.corp', '10.1.2.3', 5432],
  ]
  for (const [name, ip, port] of asked) {
    const rule = /allow rule "([^"]+)"/.exec(judge().refusal(name, ip, port) ?? '')?.[1] ?? ''
    assert.equal(judge([rule]).refusal(name, ip, port), undefined, rule)
    assert.equal(judge([rule], true).refusal(name, ip, port), undefined, rule)
  }
})

test('of several addresses only the permitted ones are left', () => {
  const { permitted, refusal } = judge().judge('a.example', [socket('1.1.1.1'), socket('10.0.0.1'), socket('::1')])
  assert.deepEqual(permitted, [socket('1.1.1.1')])
  assert.match(refusal ?? '', /private/)
  const pipe = { kind: 'pipe', path: '/run/x', mode: 0, place: place(1) } as const
  assert.deepEqual(judge([], true).judge('', [pipe]), { permitted: [pipe], refusal: undefined })
})

test('the proxy does not dial itself', () => {
  const own = new OwnListeners(() => ['9.9.9.9', '2606:4700::1'])
  own.add('8.8.8.8', 3128)
  own.add('0.0.0.0', 443)
  own.add('8.8.8.8', 0)
  const refuses = (ip: string, port: number, rules: readonly string[] = []) =>
    judge(rules, false, own).refusal('me.example', ip, port)
  assert.match(refuses('8.8.8.8', 3128) ?? '', /^the target me\.example:3128 resolves to this proxy itself/)
  assert.match(refuses('::ffff:8.8.8.8', 3128) ?? '', /this proxy itself/)
  assert.equal(refuses('8.8.8.8', 3129), undefined)
  assert.equal(refuses('8.8.4.4', 3128), undefined)
  assert.match(refuses('9.9.9.9', 443) ?? '', /this proxy itself/, 'a wildcard is on every interface')
  assert.match(refuses('2606:4700:0::1', 443) ?? '', /this proxy itself/)
  assert.equal(refuses('8.8.8.8', 443), undefined)
  assert.equal(refuses('9.9.9.9', 443, ['me.example:443']), undefined)
})

test('a rule without a port does not open the own listeners', () => {
  const own = new OwnListeners(() => [])
  own.add('127.0.0.1', 9901)
  const refuses = (port: number, rule: string, name = '') => judge([rule], false, own).refusal(name, '127.0.0.1', port)
  assert.match(refuses(9901, '127.0.0.0/8') ?? '', /is this proxy itself.*add the allow rule "127\.0\.0\.1:9901"/)
  assert.match(refuses(9901, '127.0.0.1') ?? '', /this proxy itself/)
  assert.match(refuses(9901, 'localhost', 'localhost') ?? '', /this proxy itself/)
  assert.equal(refuses(9902, '127.0.0.0/8'), undefined)
  assert.equal(refuses(9901, '127.0.0.1:9901'), undefined)
  assert.equal(refuses(9901, '127.0.0.0/8:9000-9999'), undefined)
  assert.equal(refuses(9901, 'localhost:9901', 'localhost'), undefined)
})

test('a wildcard listener is on the addresses of this machine', () => {
  const own = new OwnListeners()
  own.add('::', 3128)
  assert.equal(own.covers('127.0.0.1', 3128), true)
  assert.equal(own.covers('127.9.9.9', 3128), true)
  assert.equal(own.covers('0.0.0.0', 3128), true)
  assert.equal(own.covers('1.1.1.1', 3128), false)
  for (const list of Object.values(networkInterfaces()))
    for (const { address } of list ?? []) assert.equal(own.covers(address, 3128), true, address)
})
