// Configured ranges against the addresses of connections: RFC 4291 §2.5.5.2 and RFC 4007 §11 for the odd spellings.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inAddressRange } from '../../../src/transport/ip-range.ts'

const CASES: readonly (readonly [ip: string, range: string, inside: boolean])[] = [
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['10.1.2.3', '10.1.2.2/31', true],
  ['10.1.2.4', '10.1.2.2/31', false],
  ['1.2.3.4', '0.0.0.0/0', true],
  ['2001:db8::1', '2001:db8::/33', true],
  ['2001:db8:8000::1', '2001:db8::/33', false],
  // An IPv4 address in the clothes of IPv6 is an IPv4 address, in ranges as well.
  ['::ffff:10.1.2.3', '10.0.0.0/8', true],
  ['10.1.2.3', '::ffff:10.0.0.0/104', true],
  // As in Envoy, a range holds addresses of its own family only.
  ['1.2.3.4', '::/0', false],
  ['::1', '0.0.0.0/0', false],
  ['fe80::1%eth0', 'fe80::/10', true],
  ['/run/app.sock', '0.0.0.0/0', false],
  ['', '0.0.0.0/0', false],
]

for (const [ip, range, inside] of CASES) {
  test(`"${ip}" ${inside ? 'lies' : 'does not lie'} in ${range}`, () => {
    const [address = '', bits] = range.split('/')
    const parsed = { address, prefixLength: Number(bits) }
    // Twice: the second answer comes from the parsed range.
    assert.deepEqual([inAddressRange(parsed, ip), inAddressRange(parsed, ip)], [inside, inside])
  })
}
