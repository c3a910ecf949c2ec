// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzHttp2 } from './http2.ts'

test('mutated HTTP/2 frames have one meaning, however split, and nothing behind a GOAWAY is read', async () => {
  await fuzzHttp2(2000, 20_260_822)
})
