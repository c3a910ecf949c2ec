// At the end of a test file nothing may be left: no socket, no server, no timer, no child.

import assert from 'node:assert/strict'
import { delay } from './waiting.ts'

/** What belongs to the test runner or to the process itself. */
const OWN = new Set(['PipeWrap', 'TTYWrap', 'FSReqPromise', 'FSReqCallback', 'CloseReq', 'TickObject', 'Immediate'])
const SETTLE_MS = 3000
const LOOK_MS = 20

/** Fails unless everything that was opened is closed within a moment. Call it last in the last `after`. */
export async function nothingLeft(): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (leftovers().length > 0 && performance.now() < deadline) await delay(LOOK_MS)
  assert.deepEqual(leftovers(), [], 'sockets, timers and children must be gone')
}

function leftovers(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => !OWN.has(kind))
}
