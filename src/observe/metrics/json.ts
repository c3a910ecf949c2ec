// `/stats?format=json` in Envoy's shape: one list of values, and the histograms as its last member.

import { type Histogram, HISTOGRAM_BOUNDS, type Stat } from '../stats/registry.ts'
import { bucketsOf } from './buckets.ts'
import { quantile, QUANTILES } from './quantile.ts'
import type { BucketStyle } from './text.ts'

/** The page, as data. */
export function statsJson(stats: readonly Stat[], style: BucketStyle): { readonly stats: readonly unknown[] } {
  const values: unknown[] = []
  const histograms: Histogram[] = []
  for (const stat of stats) {
    if (stat.kind === 'histogram') histograms.push(stat)
    else values.push({ name: stat.name, value: stat.value })
  }
  if (histograms.length > 0) values.push({ histograms: histogramsJson(histograms, style) })
  return { stats: values }
}

function histogramsJson(histograms: readonly Histogram[], style: BucketStyle): unknown {
  switch (style) {
    case 'none':
    case 'summary':
      return {
        supported_quantiles: QUANTILES,
        computed_quantiles: histograms.map((histogram) => ({ name: histogram.name, values: quantilesOf(histogram) })),
      }
    case 'cumulative':
    case 'disjoint':
      return histograms.map((histogram) => ({ name: histogram.name, buckets: boundedBuckets(histogram, style) }))
    case 'detailed':
      return {
        supported_percentiles: QUANTILES,
        details: histograms.map((histogram) => ({
          name: histogram.name,
          totals: totals(histogram),
          intervals: [],
          percentiles: quantilesOf(histogram),
        })),
      }
  }
}

/** NaN becomes null in JSON. */
const quantilesOf = (histogram: Histogram): unknown =>
  QUANTILES.map((percent) => ({ interval: null, cumulative: quantile(histogram, percent) }))

const boundedBuckets = (histogram: Histogram, style: 'cumulative' | 'disjoint'): unknown =>
  bucketsOf(histogram, style)
    .slice(0, HISTOGRAM_BOUNDS.length)
    .map(({ upper, count }) => ({ upper_bound: upper, interval: 0, cumulative: count }))

const totals = (histogram: Histogram): unknown =>
  bucketsOf(histogram, 'disjoint')
    .filter(({ count }) => count > 0)
    .map(({ lower, upper, count }) => ({ lower_bound: lower, width: upper - lower, count }))
