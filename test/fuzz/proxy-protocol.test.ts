// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzProxyHeader } from './proxy-protocol.ts'

test('a PROXY header has one reading from the byte on that decides it', () => {
  fuzzProxyHeader(2000, 2010)
})
