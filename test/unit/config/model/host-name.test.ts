import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plainIp, readHost } from '../../../../src/config/model/host-name.ts'

const READ: readonly (readonly [text: string, outcome: string])[] = [
  ['example.com', 'name example.com'],
  ['EXAMPLE.Com.', 'name example.com'],
  ['localhost', 'name localhost'],
  ['xn--bcher-kva.example', 'name xn--bcher-kva.example'],
  ['_dmarc.example.com', 'name _dmarc.example.com'],
  ['-odd-.example', 'name -odd-.example'],
  ['1.2.3.4.example', 'name 1.2.3.4.example'],
  [`${'a'.repeat(63)}.com`, `name ${'a'.repeat(63)}.com`],
  ['10.0.0.1', 'ip 10.0.0.1'],
  ['::1', 'ip ::1'],
  ['0:0:0:0:0:0:0:1', 'ip ::1'],
  ['2001:DB8::A', 'ip 2001:db8::a'],
  ['::ffff:127.0.0.1', 'ip 127.0.0.1'],
  ['::FFFF:7f00:1', 'ip 127.0.0.1'],
  ['', 'is empty'],
  ['.', 'is empty'],
  ['..', 'has an empty label'],
  ['a..b', 'has an empty label'],
  ['.a', 'has an empty label'],
  ['example.com..', 'has an empty label'],
  [`${'a'.repeat(64)}.com`, 'has a label longer than 63 characters'],
  ['a.'.repeat(150), 'is longer than 253 characters'],
  ['fe80::1%eth0', 'has a zone'],
  ['bücher.example', 'has letters outside ASCII; write the name in its xn-- form'],
  // The Kelvin sign lower-cases to an ASCII k.
  ['\u212aelvin.example', 'has letters outside ASCII; write the name in its xn-- form'],
  ['a b', 'has a character that no host name has'],
  ['a@b', 'has a character that no host name has'],
  ['a%2eb', 'has a character that no host name has'],
  ['a\u0000b', 'has a character that no host name has'],
  ['a/b', 'has a character that no host name has'],
]

/** What inet_aton and its kin would take for an address. */
const SHORT = [
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0X7F.0.0.1',
  '0177.0.0.1',
  '127.0.0.01',
  '1.2.3.4.5',
  '256.0.0.1',
  '127.0.0.1.0x1',
  '0x',
  '1.2.3.4..'.slice(0, -1) + '5.',
]

const outcome = (text: string): string => {
  const host = readHost(text)
  return host.kind === 'name' ? `name ${host.name}` : host.kind === 'ip' ? `ip ${host.ip}` : host.reason
}

test('a host has one spelling, or a reason why it is none', async (t) => {
  for (const [text, expected] of READ)
    await t.test(JSON.stringify(text.slice(0, 40)), () => assert.equal(outcome(text), expected))
})

test('short and non-decimal addresses are neither names nor addresses', () => {
  for (const text of SHORT) assert.match(outcome(text), /^looks like an IP address in a short/, text)
})

test('the one spelling of what is no address is itself', () => {
  assert.equal(plainIp('example.com'), 'example.com')
  assert.equal(plainIp('/run/x:1.sock'), '/run/x:1.sock')
  assert.equal(plainIp('fe80::1%eth0'), 'fe80::1%eth0')
})
