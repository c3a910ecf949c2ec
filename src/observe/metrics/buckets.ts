// The buckets of a histogram with their bounds, for every exposition that prints them.

import { type Histogram, HISTOGRAM_BOUNDS } from '../stats/registry.ts'

export interface Bucket {
  readonly lower: number
  /** Infinity for the last one. */
  readonly upper: number
  readonly count: number
}

/** All buckets; `cumulative` counts also hold those of the buckets before. */
export function bucketsOf(histogram: Histogram, style: 'cumulative' | 'disjoint'): Bucket[] {
  const buckets: Bucket[] = []
  let total = 0
  for (const [index, count] of histogram.buckets.entries()) {
    total += count
    buckets.push({
      lower: HISTOGRAM_BOUNDS[index - 1] ?? 0,
      upper: HISTOGRAM_BOUNDS[index] ?? Infinity,
      count: style === 'cumulative' ? total : count,
    })
  }
  return buckets
}
