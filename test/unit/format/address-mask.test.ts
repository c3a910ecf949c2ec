import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskAddress } from '../../../src/format/address-mask.ts'

test('masks to the network of the prefix', () => {
  const rows: readonly (readonly [string, number, string | undefined])[] = [
    ['10.1.2.3', 16, '10.1.0.0/16'],
    ['10.1.2.3', 32, '10.1.2.3/32'],
    ['10.1.2.3', 0, '0.0.0.0/0'],
    ['255.255.255.255', 9, '255.128.0.0/9'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6', 52, '2001:db8:1::/52'],
    ['fe80::1%eth0', 10, 'fe80::/10'],
    ['::1', 128, '::1/128'],
    ['::ffff:10.1.2.3', 120, '::ffff:10.1.2.0/120'],
    ['10.1.2.3', 33, undefined],
    ['::1', 129, undefined],
    ['/run/app.sock', 8, undefined],
    ['', 8, undefined],
  ]
  for (const [ip, length, expected] of rows) assert.equal(maskAddress(ip, length), expected, `${ip}/${length}`)
})
