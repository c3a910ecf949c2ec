// Operators that print moments and durations. Envoy: START_TIME, EMIT_TIME, DURATION and its kin, COMMON_DURATION.

import { type Evaluator, type Operator, type OperatorFamily, plain, type Value } from './operator.ts'
import type { StreamFacts } from './stream-facts.ts'
import { type DatePrinter, datePrinter, isoDate } from './strftime.ts'

export const TIME_OPERATORS: OperatorFamily = {
  START_TIME: date('utc', (facts) => facts.startWallMs),
  START_TIME_LOCAL: date('local', (facts) => facts.startWallMs),
  EMIT_TIME: date('utc', emitMs),
  EMIT_TIME_LOCAL: date('local', emitMs),
  DURATION: plain(durationMs),
  REQUEST_DURATION: plain(({ times }) => span(times.start, times.requestEnd)),
  REQUEST_TX_DURATION: plain(({ times }) => span(times.start, times.upstreamRequestEnd)),
  RESPONSE_DURATION: plain(({ times }) => span(times.start, times.upstreamResponseStart)),
  RESPONSE_TX_DURATION: plain(({ times }) => span(times.upstreamResponseStart, times.end)),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: plain(({ times }) => span(times.upstreamStart, times.upstreamReady)),
  UPSTREAM_DURATION: plain(({ times }) => span(times.upstreamStart, times.upstreamResponseEnd ?? times.end)),
  COMMON_DURATION: commonDuration,
}

/** Whole milliseconds that the exchange lasted, or has lasted so far. What the duration filter compares. */
export function durationMs(facts: StreamFacts): number {
  return Math.max(0, Math.floor((facts.times.end ?? facts.now) - facts.times.start))
}

const emitMsOffset = (facts: StreamFacts): number => facts.now - facts.times.start

/** Wall clock of the moment of printing. */
function emitMs(facts: StreamFacts): number {
  return facts.startWallMs + emitMsOffset(facts)
}

/** Prints the moment that `read` gives, as the argument says; one that is no date is unset. */
export function date(zone: 'utc' | 'local', read: (facts: StreamFacts) => number | undefined): Operator {
  return (argument) => {
    const print: DatePrinter = argument !== '' ? datePrinter(argument, zone) : zone === 'utc' ? isoDate : LOCAL_DEFAULT
    return (facts) => {
      const wallMs = read(facts)
      return wallMs === undefined || !Number.isFinite(wallMs) ? undefined : print(wallMs)
    }
  }
}

const LOCAL_DEFAULT = datePrinter('%Y-%m-%dT%H:%M:%E3S%z', 'local')

function span(from: number | undefined, to: number | undefined, perMs = 1): number | undefined {
  if (from === undefined || to === undefined) return undefined
  return Math.max(0, Math.floor((to - from) * perMs))
}

type Point = (facts: StreamFacts) => number | undefined

/**
 * Points of COMMON_DURATION. The pool hides when a reused connection was made, so the points of connecting are those of
 * this exchange's wait: asked the pool, got a connection.
 */
const POINTS: Readonly<Record<string, Point>> = {
  DS_RX_BEG: ({ times }) => times.start,
  DS_RX_HDR_END: ({ times }) => times.start,
  DS_RX_END: ({ times }) => times.requestEnd,
  US_CX_BEG: ({ times }) => times.upstreamStart,
  US_CX_END: ({ times }) => times.upstreamReady,
  US_HS_END: ({ times }) => times.upstreamReady,
  US_TX_BEG: ({ times }) => times.upstreamReady,
  US_TX_END: ({ times }) => times.upstreamRequestEnd,
  US_RX_BEG: ({ times }) => times.upstreamResponseStart,
  US_RX_END: ({ times }) => times.upstreamResponseEnd,
  DS_TX_BEG: ({ times }) => times.downstreamResponseStart,
  DS_TX_END: ({ times }) => times.end,
}

const PER_MS: Readonly<Record<string, number>> = { ms: 1, us: 1e3, ns: 1e6 }

/** `START:END:PRECISION`; a point that Sluice does not record makes it unset. */
function commonDuration(argument: string): Evaluator {
  const [from = '', to = '', precision = 'ms'] = argument.split(':')
  const begin = POINTS[from]
  const end = POINTS[to]
  const perMs = PER_MS[precision]
  if (begin === undefined || end === undefined || perMs === undefined) return (): Value => undefined
  return (facts) => span(begin(facts), end(facts), perMs)
}
