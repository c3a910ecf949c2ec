// Quantiles of a histogram, estimated from its buckets: inside a bucket observations count as evenly spread.

import { type Histogram, HISTOGRAM_BOUNDS } from '../stats/registry.ts'

/** The quantiles that Envoy prints, in percent. */
export const QUANTILES: readonly number[] = [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100]

/**
 * The value under which `percent` of the observations lie; NaN without observations. Beyond the last bound nothing is
 * known but that it was exceeded, so the last bound is the answer.
 */
export function quantile(histogram: Histogram, percent: number): number {
  if (histogram.count === 0) return Number.NaN
  const rank = (histogram.count * percent) / 100
  let below = 0
  for (const [index, count] of histogram.buckets.entries()) {
    if (count === 0 || below + count < rank) {
      below += count
      continue
    }
    const lower = HISTOGRAM_BOUNDS[index - 1] ?? 0
    const upper = HISTOGRAM_BOUNDS[index] ?? lower
    return rounded(lower + ((upper - lower) * (rank - below)) / count)
  }
  return HISTOGRAM_BOUNDS.at(-1) ?? Number.NaN
}

/** Six significant digits: more would pretend. */
const rounded = (value: number): number => Number(value.toPrecision(6))
