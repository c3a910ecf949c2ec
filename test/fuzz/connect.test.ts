// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzConnect } from './connect.ts'

test('CONNECT targets mean one host and port, and answers one thing however they are split', () => {
  fuzzConnect(5000, 20_261_121)
})
