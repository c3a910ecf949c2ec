// Failed sessions for people who did not ask for a line each: the first of a kind at once, then how many more there were,
// at most one line for a cluster and cause in ten seconds.

import type { CloseCause } from '../../core/close-cause.ts'
import type { FailedSession } from './ledger.ts'

/** Milliseconds between two lines of one kind. */
const QUIET_MS = 10_000

/** Kinds that are remembered; beyond it all are forgotten, and told again. */
const KINDS = 256

export interface FailureLine {
  readonly cluster: string
  readonly cause: CloseCause
  /** Sessions of this kind since its last line, this one included. */
  readonly count: number
  readonly session: FailedSession
}

/** Answers what to print for a session, or undefined to be quiet. */
export function failureDigest(): (session: FailedSession) => FailureLine | undefined {
  const kinds = new Map<string, { toldMs: number; count: number }>()
  return (session) => {
    const { cluster, cause, wallMs } = session
    const key = `${cluster} ${cause.code}`
    const known = kinds.get(key)
    if (known !== undefined && wallMs - known.toldMs < QUIET_MS) {
      known.count++
      return undefined
    }
    if (kinds.size >= KINDS) kinds.clear()
    kinds.set(key, { toldMs: wallMs, count: 0 })
    return { cluster, cause, count: (known?.count ?? 0) + 1, session }
  }
}
