// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzHttp1 } from './http1.ts'

test('mutated HTTP/1 messages have one meaning, however split, and nothing behind a refusal is parsed', () => {
  fuzzHttp1(4000, 20_260_822)
})
