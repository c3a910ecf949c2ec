// `/stats` as Envoy prints it: `name: value`, counters and gauges first, then histograms as quantiles or buckets. Each
// histogram cell is `(interval,total)`; Sluice keeps no interval, so the first is always `nan`, or 0 for counts.

import { type Histogram, HISTOGRAM_BOUNDS, type Stat } from '../stats/registry.ts'
import { bucketsOf } from './buckets.ts'
import { quantile, QUANTILES } from './quantile.ts'

/** How histograms are printed. `none` and `summary` are quantiles. */
export type BucketStyle = 'none' | 'cumulative' | 'disjoint' | 'detailed' | 'summary'

/** Reads `histogram_buckets`; undefined when it is none of the styles. */
export function bucketStyle(text: string | null): BucketStyle | undefined {
  switch (text ?? 'none') {
    case 'none':
      return 'none'
    case 'cumulative':
      return 'cumulative'
    case 'disjoint':
      return 'disjoint'
    case 'detailed':
      return 'detailed'
    case 'summary':
      return 'summary'
    default:
      return undefined
  }
}

/** The page. */
export function statsText(stats: readonly Stat[], style: BucketStyle): string {
  let plain = ''
  let histograms = ''
  for (const stat of stats) {
    if (stat.kind === 'histogram') histograms += histogramLine(stat, style)
    else plain += `${stat.name}: ${stat.value}\n`
  }
  return plain + histograms
}

function histogramLine(histogram: Histogram, style: BucketStyle): string {
  switch (style) {
    case 'none':
    case 'summary':
      return `${histogram.name}: ${histogram.count === 0 ? 'No recorded values' : summary(histogram)}\n`
    case 'cumulative':
    case 'disjoint':
      return `${histogram.name}: ${buckets(histogram, style)}\n`
    case 'detailed':
      return `${histogram.name}:\n  totals=${totals(histogram)}\n  intervals=\n  summary=${summary(histogram)}\n`
  }
}

const summary = (histogram: Histogram): string =>
  QUANTILES.map((percent) => `P${percent}(nan,${number(quantile(histogram, percent))})`).join(' ')

const buckets = (histogram: Histogram, style: 'cumulative' | 'disjoint'): string =>
  bucketsOf(histogram, style)
    .slice(0, HISTOGRAM_BOUNDS.length)
    .map(({ upper, count }) => `B${upper}(0,${count})`)
    .join(' ')

/** `lower,width:count` of each bucket that is not empty. */
const totals = (histogram: Histogram): string =>
  bucketsOf(histogram, 'disjoint')
    .filter(({ count }) => count > 0)
    .map(({ lower, upper, count }) => `${lower},${upper === Infinity ? 'inf' : upper - lower}:${count}`)
    .join(', ')

const number = (value: number): string => (Number.isNaN(value) ? 'nan' : String(value))
