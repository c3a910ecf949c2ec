// What the end of one direction means for the other. TCP, CONNECT and extended CONNECT (RFC 9113 §8.5) carry a half-close;
// some protocols cannot, and a peer that ends its half there is gone.

import type { CloseCause } from '../core/close-cause.ts'
import { closeCause } from '../core/close-cause.ts'

/** `carry`: the other direction goes on. `close`: the whole tunnel closes after what is queued was sent. */
export type HalfClosePolicy = 'carry' | 'close'

/** Who ended first, orderly. */
export function orderlyCause(by: 'client' | 'upstream'): CloseCause {
  return closeCause(by, 'tunnel', 'finished')
}

/** The cause when the end of one half ends all. */
export function halfCloseEndsAll(by: 'client' | 'upstream'): CloseCause {
  return closeCause(by, 'tunnel', 'end_of_stream')
}
