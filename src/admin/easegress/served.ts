// What Easegress's pages tell of an HTTPServer and of the pools of a pipeline, taken from the statistics that are kept
// anyway. Whatever of it is a rate comes from `context.rates`.

import type { ConfigObject } from '../../config/model/config-object.ts'
import { quantile } from '../../observe/metrics/quantile.ts'
import type { Rate } from '../../observe/metrics/rates.ts'
import type { Counter, Histogram } from '../../observe/stats/registry.ts'
import type { AdminContext } from '../context.ts'

/** Easegress's `stat` of a server or pool. Times in ms, rates per second, percentages 0..100. */
export type Served = Readonly<Record<string, number | Readonly<Record<string, number>>>>

/** Statistic names that stand behind a {@link Served}. */
interface Behind {
  readonly requests: string
  readonly classes: string
  readonly times: string
  readonly bytesIn: string
  readonly bytesOut: string
}

/** Of the HTTPServer with that name. */
export const servedByServer = (context: AdminContext, name: string): Served =>
  served(context, {
    requests: `http.${name}.downstream_rq_total`,
    classes: `http.${name}.downstream_rq_`,
    times: `http.${name}.downstream_rq_time`,
    bytesIn: `http.${name}.downstream_cx_rx_bytes_total`,
    bytesOut: `http.${name}.downstream_cx_tx_bytes_total`,
  })

/** Of the pool that runs as the cluster with that name in statistics. */
export const servedByPool = (context: AdminContext, cluster: string): Served =>
  served(context, {
    requests: `cluster.${cluster}.upstream_rq_total`,
    classes: `cluster.${cluster}.upstream_rq_`,
    times: `cluster.${cluster}.upstream_rq_time`,
    bytesIn: `cluster.${cluster}.upstream_cx_rx_bytes_total`,
    bytesOut: `cluster.${cluster}.upstream_cx_tx_bytes_total`,
  })

/** Counters whose rates the pages show. */
export const isRated = ({ name }: Counter): boolean =>
  /^(?:http\..*\.downstream_rq_(?:total|[45]xx)|cluster\..*\.upstream_rq_(?:total|[45]xx))$/.test(name)

/** Whether a configuration has objects that these pages are about. */
export const hasServers = (objects: readonly ConfigObject[]): boolean =>
  objects.some(({ kind }) => kind === 'HTTPServer')

const PERCENTILES = [
  ['p25', 25],
  ['p50', 50],
  ['p75', 75],
  ['p95', 95],
  ['p98', 98],
  ['p99', 99],
  ['p999', 99.9],
] as const

function served(context: AdminContext, names: Behind): Served {
  const { registry, rates } = context
  const count = registry.counter(names.requests).value
  const errors = ['4xx', '5xx'].map((kind) => `${names.classes}${kind}`)
  const errCount = errors.reduce((sum, name) => sum + registry.counter(name).value, 0)
  const rate = rates.of(names.requests)
  const failing = errors.map((name) => rates.of(name)).reduce(added)
  const codes = ['1xx', '2xx', '3xx', '4xx', '5xx'].map(
    (kind) => [kind, registry.counter(`${names.classes}${kind}`).value] as const,
  )
  return {
    count,
    ...rate,
    errCount,
    m1Err: failing.m1,
    m5Err: failing.m5,
    m15Err: failing.m15,
    m1ErrPercent: percent(failing.m1, rate.m1),
    m5ErrPercent: percent(failing.m5, rate.m5),
    m15ErrPercent: percent(failing.m15, rate.m15),
    ...timesOf(registry.histogram(names.times)),
    reqSize: registry.counter(names.bytesIn).value,
    respSize: registry.counter(names.bytesOut).value,
    codes: Object.fromEntries(codes.filter(([, value]) => value > 0)),
  }
}

const added = (a: Rate, b: Rate): Rate => ({ m1: a.m1 + b.m1, m5: a.m5 + b.m5, m15: a.m15 + b.m15 })

const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (100 * part) / whole)

function timesOf(histogram: Histogram): Readonly<Record<string, number>> {
  const at = (share: number): number => (histogram.count === 0 ? 0 : quantile(histogram, share))
  return {
    min: at(0),
    max: at(100),
    mean: histogram.count === 0 ? 0 : histogram.sum / histogram.count,
    ...Object.fromEntries(PERCENTILES.map(([name, share]) => [name, at(share)])),
  }
}
