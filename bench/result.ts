// What came out of a run: for each workload and proxy a figure, or why there is none.
import type { Measurement } from './generator.ts'
import type { Unit, Workload } from './workload.ts'

export interface Figure {
  readonly kind: 'figure'
  /** Median over the rounds, in the workload's unit. */
  readonly value: number
  readonly rounds: readonly number[]
  /** CPU of client and origin for one unit, in the same unit: the generator's own price. */
  readonly loadValue: number
  /** Share of its core that the proxy and the generator used, 0 to 1. */
  readonly proxyBusy: number
  readonly loadBusy: number
  readonly unitsPerSecond: number
  readonly p50Us?: number
  readonly p99Us?: number
  /** What else is to be known, such as a number of connections that had to be lowered. */
  readonly note?: string
}

export type Outcome =
  | Figure
  /** The proxy cannot do this by its nature. */
  | { readonly kind: 'cannot' }
  /** It does not start like this. */
  | { readonly kind: 'not available'; readonly reason: string }
  /** The canary: it answered wrongly. */
  | { readonly kind: 'wrong'; readonly reason: string }

export interface Row {
  readonly workload: Workload
  readonly outcomes: ReadonlyMap<string, Outcome>
}

export function figureOf(unit: Unit, measurements: readonly Measurement[]): Figure {
  const rounds = measurements.map((m) => perUnit(unit, proxyCpu(m), m.units))
  const latency =
    measurements[0]?.p50Us === undefined
      ? {}
      : { p50Us: median(measurements.map((m) => m.p50Us ?? 0)), p99Us: median(measurements.map((m) => m.p99Us ?? 0)) }
  return {
    kind: 'figure',
    value: median(rounds),
    rounds,
    loadValue: median(measurements.map((m) => perUnit(unit, m.loadNs, m.units))),
    proxyBusy: median(measurements.map((m) => proxyCpu(m) / m.wallNs)),
    loadBusy: median(measurements.map((m) => m.loadNs / m.wallNs)),
    unitsPerSecond: median(measurements.map((m) => (m.units / m.wallNs) * 1e9)),
    ...latency,
  }
}

/** schedstat is exact but forgets ended threads; where ticks tell clearly more, they are right. */
function proxyCpu(m: Measurement): number {
  return m.proxyTickNs > m.proxyNs * 1.03 + 20e6 ? m.proxyTickNs : m.proxyNs
}

/** µs for each unit; for bulk, where units are bytes, ms for each GB (10^9 bytes). */
function perUnit(unit: Unit, ns: number, units: number): number {
  return unit === 'ms per GB' ? ns / 1e6 / (units / 1e9) : ns / 1e3 / units
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}
