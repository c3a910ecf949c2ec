import assert from 'node:assert/strict'
import { test } from 'node:test'
import { datePrinter, isoDate } from '../../../src/format/strftime.ts'

// Saturday.
const MOMENT = Date.UTC(2026, 10, 7, 3, 5, 9, 45)

test('conversions of the documented subset, in UTC', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['%Y-%m-%dT%H:%M:%S', '2026-11-07T03:05:09'],
    ['%F %T', '2026-11-07 03:05:09'],
    ['%D %R', '11/07/26 03:05'],
    ['%e|%k|%l|%I|%p', ' 7| 3| 3|03|AM'],
    ['%a %A %b %B %h', 'Sat Saturday Nov November Nov'],
    ['%j %u %w %y %C', '311 6 6 26 20'],
    ['%z %Ez %Z', '+0000 +00:00 UTC'],
    ['%s', '1794020709'],
    ['%3f %6f %9f %f %1f', '045 045000 045000000 045000000 0'],
    ['%E3S %E0S %E*S %E6S', '09.045 09 09.045 09.045000'],
    ['100%% %Q', '100% %Q'],
    ['plain', 'plain'],
    ['', ''],
  ]
  for (const [pattern, expected] of rows) assert.equal(datePrinter(pattern, 'utc')(MOMENT), expected, pattern)
})

test('midnight and noon on the twelve-hour clock', () => {
  const print = datePrinter('%I %p', 'utc')
  assert.equal(print(Date.UTC(2026, 0, 1, 0)), '12 AM')
  assert.equal(print(Date.UTC(2026, 0, 1, 12)), '12 PM')
  assert.equal(print(Date.UTC(2026, 0, 1, 23)), '11 PM')
})

test('a moment before the epoch and a fractional one keep a sound fraction', () => {
  assert.equal(datePrinter('%S.%3f', 'utc')(-1), '59.999')
  assert.equal(datePrinter('%6f', 'utc')(1000.5), '000500')
})

test('the local zone shifts the fields and tells its offset', () => {
  const before = process.env['TZ']
  process.env['TZ'] = 'Asia/Kolkata'
  try {
    assert.equal(datePrinter('%F %T %z', 'local')(MOMENT), '2026-11-07 08:35:09 +0530')
    assert.equal(datePrinter('%F %T %z', 'utc')(MOMENT), '2026-11-07 03:05:09 +0000')
  } finally {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  }
})

test("the default is Envoy's", () => {
  assert.equal(isoDate(MOMENT), '2026-11-07T03:05:09.045Z')
})
