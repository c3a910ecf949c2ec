// What happens to an exception of ours inside a callback of the data path: the stream it happened on ends, the others live.

import { type CloseCause, closeCause } from '../core/close-cause.ts'

let report: (error: unknown) => void = throwLater

/** Names who is told of faults; without one they are thrown where the process sees them. */
export function onFault(handler: (error: unknown) => void): void {
  report = handler
}

/** Reports `error` and answers the cause with which its stream is reset. */
export function containFault(error: unknown): CloseCause {
  report(error)
  return closeCause('proxy', 'server', 'internal', error instanceof Error ? error.message : String(error))
}

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
