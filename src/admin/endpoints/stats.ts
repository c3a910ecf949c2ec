// `/stats` in text, JSON and Prometheus form, `/stats/prometheus`, and `/reset_counters`.

import { statsJson } from '../../observe/metrics/json.ts'
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from '../../observe/metrics/prometheus.ts'
import { parseSelection, select } from '../../observe/metrics/selection.ts'
import { bucketStyle, statsText } from '../../observe/metrics/text.ts'
import type { AdminContext } from '../context.ts'
import {
  type AdminResponse,
  DONE,
  type Endpoint,
  type EndpointParameter,
  formatOf,
  json,
  refused,
  text,
} from '../endpoint.ts'

const SELECTION: readonly EndpointParameter[] = [
  { name: 'usedonly', summary: 'only statistics that have changed since the start' },
  { name: 'filter', summary: 'regular expression (RE2) to find in the name' },
  { name: 'type', summary: 'one of All, Counters, Gauges, Histograms, TextReadouts' },
]

export const STATS: Endpoint = {
  path: '/stats',
  summary: 'statistics',
  mutates: false,
  parameters: [
    ...SELECTION,
    { name: 'format', summary: 'one of text, json, prometheus' },
    { name: 'histogram_buckets', summary: 'one of none, cumulative, disjoint, detailed, summary' },
  ],
  handle({ query }, context) {
    const format = formatOf(query, ['text', 'json', 'prometheus'])
    if (format === undefined) return refused('usage: /stats?format=(text|json|prometheus)')
    return answer(format, query, context)
  },
}

export const PROMETHEUS: Endpoint = {
  path: '/stats/prometheus',
  summary: 'statistics for Prometheus',
  mutates: false,
  parameters: SELECTION,
  handle: ({ query }, context) => answer('prometheus', query, context),
}

export const RESET_COUNTERS: Endpoint = {
  path: '/reset_counters',
  summary: 'set counters and histograms back to zero',
  mutates: true,
  parameters: [],
  handle(_, { registry }) {
    registry.resetCounters()
    return DONE
  },
}

function answer(format: 'text' | 'json' | 'prometheus', query: URLSearchParams, context: AdminContext): AdminResponse {
  const parsed = parseSelection(query)
  if (parsed.kind === 'refused') return refused(parsed.reason)
  const style = bucketStyle(query.get('histogram_buckets'))
  if (style === undefined) return refused('usage: /stats?histogram_buckets=(none|cumulative|disjoint|detailed|summary)')
  context.actions.refreshStats()
  const stats = select(context.registry, parsed.selection)
  switch (format) {
    case 'text':
      return text(statsText(stats, style))
    case 'json':
      return json(statsJson(stats, style))
    case 'prometheus':
      return { status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body: prometheusText(stats) }
  }
}
