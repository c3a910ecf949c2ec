// The Prometheus text exposition, format 0.0.4, under the names that dashboards made for Envoy ask for: `envoy_` and the
// name without its tag values, which become labels.

import type { Histogram, Stat, StatTag } from '../stats/registry.ts'
import { bucketsOf } from './buckets.ts'
import { describeStat } from './descriptions.ts'

/** The type that Prometheus tells it by. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** The page: one family after the other, each with HELP and TYPE. */
export function prometheusText(stats: readonly Stat[]): string {
  const families = new Map<string, Family>()
  for (const stat of stats) addTo(families, stat)
  let page = ''
  for (const name of [...families.keys()].sort()) {
    const family = families.get(name)
    if (family === undefined) continue
    page += `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.kind}\n`
    for (const { stat, labels } of family.series) page += seriesText(name, stat, labels)
  }
  return page
}

interface Family {
  readonly kind: Stat['kind']
  readonly help: string
  readonly series: { readonly stat: Stat; readonly labels: string }[]
  /** Label sets in use: a second series with the same one would make the page invalid. */
  readonly taken: Set<string>
}

function addTo(families: Map<string, Family>, stat: Stat): void {
  const { extracted, tags } = withResponseTags(stat)
  let name = `envoy_${extracted.replace(/[^a-zA-Z0-9_]/g, '_')}`
  // A family has one type. Two statistics that differ only in theirs are kept apart by name.
  if ((families.get(name)?.kind ?? stat.kind) !== stat.kind) name += `_${stat.kind}`
  let family = families.get(name)
  if (family === undefined) {
    family = { kind: stat.kind, help: escapeHelp(describeStat(extracted)), series: [], taken: new Set() }
    families.set(name, family)
  }
  const labels = labelText(tags)
  const unique = family.taken.has(labels) ? labelText([...tags, { name: 'envoy_stat', value: stat.name }]) : labels
  family.taken.add(unique)
  family.series.push({ stat, labels: unique })
}

/** Envoy's tags for status codes, `…_rq_503` and `…_rq_5xx`, unless whoever made the statistic set them. */
function withResponseTags({ extracted, tags }: Stat): {
  readonly extracted: string
  readonly tags: readonly StatTag[]
} {
  const found = /^(.*_rq)_(?:([1-5])xx|([1-5]\d\d))$/.exec(extracted)
  if (found === null) return { extracted, tags }
  const [, stem = '', codeClass, code = ''] = found
  if (codeClass === undefined) return { extracted: stem, tags: [...tags, { name: 'envoy_response_code', value: code }] }
  return { extracted: `${stem}_xx`, tags: [...tags, { name: 'envoy_response_code_class', value: codeClass }] }
}

function seriesText(name: string, stat: Stat, labels: string): string {
  if (stat.kind === 'histogram') return histogramText(name, stat, labels)
  return `${name}${braces(labels)} ${stat.value}\n`
}

function histogramText(name: string, histogram: Histogram, labels: string): string {
  let text = ''
  const before = labels === '' ? '' : `${labels},`
  for (const { upper, count } of bucketsOf(histogram, 'cumulative')) {
    text += `${name}_bucket{${before}le="${upper === Infinity ? '+Inf' : upper}"} ${count}\n`
  }
  return `${text}${name}_sum${braces(labels)} ${histogram.sum}\n${name}_count${braces(labels)} ${histogram.count}\n`
}

const braces = (labels: string): string => (labels === '' ? '' : `{${labels}}`)

const labelText = (tags: readonly StatTag[]): string =>
  tags.map(({ name, value }) => `${name.replace(/[^a-zA-Z0-9_]/g, '_')}="${escapeLabel(value)}"`).join(',')

const escapeLabel = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
