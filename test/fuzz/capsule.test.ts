// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzCapsules, fuzzUdpPaths } from './capsule.ts'

test('a capsule stream has one reading however it is split', () => {
  fuzzCapsules(2000, 9297)
})

test('a path names one target or none', () => {
  fuzzUdpPaths(3000, 9298)
})
