// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzClientHello, fuzzFrameGate, fuzzWebSocketFrames } from './websocket.ts'

test('frames are read the same however they are split', () => {
  fuzzWebSocketFrames(3000, 6455)
})

test('a gate lets the same frames through however they are split, and none beyond its limit', () => {
  fuzzFrameGate(3000, 1009)
})

test('a ClientHello has one reading from the byte on that decides it', () => {
  fuzzClientHello(1000, 8446)
})
