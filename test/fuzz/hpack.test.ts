// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzHpack } from './hpack.ts'

test('any bytes are a header block or are refused, and every block of ours comes back', () => {
  fuzzHpack(3000, 20_260_822)
})
