import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { statsJson } from '../../../../src/observe/metrics/json.ts'
import { prometheusText } from '../../../../src/observe/metrics/prometheus.ts'
import { quantile } from '../../../../src/observe/metrics/quantile.ts'
import { parseSelection, select } from '../../../../src/observe/metrics/selection.ts'
import { bucketStyle, statsText } from '../../../../src/observe/metrics/text.ts'
import { observe, type Stat, StatRegistry } from '../../../../src/observe/stats/registry.ts'

function sample(): StatRegistry {
  const registry = new StatRegistry()
  const http = registry.scope('http.ingress.', 'http.', [{ name: 'envoy_http_conn_manager_prefix', value: 'ingress' }])
  http.counter('downstream_rq_total').value = 5
  http.counter('downstream_rq_2xx').value = 3
  http.counter('downstream_rq_5xx').value = 1
  http.counter('no_route')
  http.gauge('downstream_cx_active').value = 2
  const cluster = registry.scope('cluster.a"b\\c\nd.', 'cluster.', [{ name: 'envoy_cluster_name', value: 'a"b\\c\nd' }])
  cluster.counter('upstream_rq_503').value = 1
  const time = http.histogram('downstream_rq_time')
  for (const value of [0.4, 3, 3, 7, 20, 99999999]) observe(time, value)
  http.histogram('downstream_cx_length_ms')
  return registry
}

function selected(registry: StatRegistry, query: string): Stat[] {
  const parsed = parseSelection(new URLSearchParams(query))
  assert.equal(parsed.kind, 'selection')
  return parsed.kind === 'selection' ? select(registry, parsed.selection) : []
}

const names = (registry: StatRegistry, query: string): string[] => selected(registry, query).map(({ name }) => name)

describe('selection', () => {
  test('filter finds anywhere in the name and can be inverted', () => {
    assert.deepEqual(names(sample(), 'filter=rq_.xx$'), [
      'http.ingress.downstream_rq_2xx',
      'http.ingress.downstream_rq_5xx',
    ])
    assert.equal(names(sample(), 'filter=^http\\.&invert_filter').length, 1)
    assert.equal(names(sample(), 'filter=').length, 8)
  })

  test('type', () => {
    assert.deepEqual(names(sample(), 'type=Gauges'), ['http.ingress.downstream_cx_active'])
    assert.equal(names(sample(), 'type=histograms').length, 2)
    assert.equal(names(sample(), 'type=TextReadouts').length, 0)
  })

  test('used only leaves out what never changed, and remembers across a reset', () => {
    const registry = sample()
    const used = names(registry, 'usedonly')
    assert.equal(used.length, 6)
    assert.equal(used.includes('http.ingress.no_route'), false)
    registry.resetCounters()
    assert.deepEqual(names(registry, 'usedonly'), used)
    assert.equal(names(registry, 'usedonly=false').length, 8)
    const unseen = sample()
    unseen.resetCounters()
    assert.equal(names(unseen, 'usedonly&type=Counters').length, 4, 'also when nobody looked before the reset')
  })

  test('what is wrong is said', () => {
    const reason = (query: string): string => {
      const parsed = parseSelection(new URLSearchParams(query))
      return parsed.kind === 'refused' ? parsed.reason : ''
    }
    assert.match(reason('type=Bananas'), /invalid type "Bananas"/)
    assert.match(reason('filter=('), /re2 regex/)
    assert.match(reason(`filter=${'a'.repeat(2000)}`), /longer than/)
    assert.equal(reason('filter=(a%2B)%2B$'), '')
  })

  test('a regular expression that takes exponential time elsewhere takes linear time', () => {
    const registry = new StatRegistry()
    registry.counter('a'.repeat(4000)).value = 1
    assert.equal(names(registry, 'filter=(a%2B)%2B$!').length, 0)
  })
})

describe('quantiles', () => {
  test('lie inside the bucket they fall in', () => {
    const histogram = new StatRegistry().histogram('h')
    assert.equal(quantile(histogram, 50), Number.NaN)
    for (let i = 0; i < 100; i++) observe(histogram, 30)
    assert.equal(quantile(histogram, 0), 25)
    assert.equal(quantile(histogram, 50), 37.5)
    assert.equal(quantile(histogram, 100), 50)
    for (let i = 0; i < 100; i++) observe(histogram, 700)
    assert.equal(quantile(histogram, 50), 50)
    assert.equal(quantile(histogram, 75), 750)
  })

  test('beyond the last bound the bound is the answer', () => {
    const histogram = new StatRegistry().histogram('h')
    observe(histogram, 1e9)
    assert.equal(quantile(histogram, 99), 3600000)
  })
})

describe('text', () => {
  test('counters and gauges by name, then histograms as quantiles', () => {
    const lines = statsText(selected(sample(), 'filter=http'), 'none').split('\n')
    assert.deepEqual(lines.slice(0, 6), [
      'http.ingress.downstream_cx_active: 2',
      'http.ingress.downstream_rq_2xx: 3',
      'http.ingress.downstream_rq_5xx: 1',
      'http.ingress.downstream_rq_total: 5',
      'http.ingress.no_route: 0',
      'http.ingress.downstream_cx_length_ms: No recorded values',
    ])
    assert.match(
      lines[6] ?? '',
      /^http\.ingress\.downstream_rq_time: P0\(nan,0\) P25\(nan,2\) P50\(nan,5\) .* P100\(nan,3600000\)$/,
    )
  })

  test('buckets', () => {
    const stats = selected(sample(), 'filter=rq_time')
    assert.match(
      statsText(stats, 'cumulative'),
      /: B0\.5\(0,1\) B1\(0,1\) B5\(0,3\) B10\(0,4\) B25\(0,5\) .* B3600000\(0,5\)\n$/,
    )
    assert.match(statsText(stats, 'disjoint'), /: B0\.5\(0,1\) B1\(0,0\) B5\(0,2\) /)
    assert.match(statsText(stats, 'detailed'), /totals=0,0\.5:1, 1,4:2, 5,5:1, 10,15:1, 3600000,inf:1\n/)
    assert.equal(bucketStyle('bogus'), undefined)
    assert.equal(bucketStyle(null), 'none')
  })
})

test('JSON has the values and, last, the histograms', () => {
  const { stats } = statsJson(selected(sample(), 'filter=http'), 'none')
  assert.deepEqual(stats[0], { name: 'http.ingress.downstream_cx_active', value: 2 })
  const round: unknown = JSON.parse(JSON.stringify(stats.at(-1)))
  assert.partialDeepStrictEqual(round, {
    histograms: {
      supported_quantiles: [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100],
      computed_quantiles: [
        { name: 'http.ingress.downstream_cx_length_ms', values: [{ interval: null, cumulative: null }] },
        { name: 'http.ingress.downstream_rq_time', values: [{ interval: null, cumulative: 0 }] },
      ],
    },
  })
  const buckets = JSON.stringify(statsJson(selected(sample(), 'filter=rq_time'), 'cumulative'))
  assert.match(buckets, /"upper_bound":5,"interval":0,"cumulative":3/)
})

describe('Prometheus', () => {
  test('families with their labels', () => {
    const page = prometheusText(selected(sample(), ''))
    for (const line of [
      '# TYPE envoy_http_downstream_rq_total counter',
      'envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="ingress"} 5',
      'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="ingress",envoy_response_code_class="5"} 1',
      'envoy_cluster_upstream_rq{envoy_cluster_name="a\\"b\\\\c\\nd",envoy_response_code="503"} 1',
      'envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="ingress",le="5"} 3',
      'envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="ingress",le="+Inf"} 6',
      'envoy_http_downstream_rq_time_count{envoy_http_conn_manager_prefix="ingress"} 6',
    ]) {
      assert.equal(page.split('\n').includes(line), true, line)
    }
    assert.equal(page.match(/# TYPE envoy_http_downstream_rq_xx /g)?.length, 1)
  })

  test('two statistics that would be one series are told apart', () => {
    const registry = new StatRegistry()
    registry.counter('a.b').value = 1
    registry.counter('a_b').value = 2
    registry.gauge('a-b').value = 3
    const page = prometheusText(registry.all())
    assert.match(page, /^envoy_a_b_gauge 3$|^envoy_a_b 3$/m)
    const series = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    assert.equal(new Set(series.map((line) => line.split(' ')[0])).size, 3)
  })

  const promtool = spawnSync('promtool', ['--version']).error === undefined
  test('promtool reads the page', { skip: promtool ? false : 'promtool is not installed' }, () => {
    const page = prometheusText(selected(sample(), ''))
    const check = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' })
    // 3 is advice about names, which are Envoy's; 1 is a page that does not parse.
    assert.equal(check.status === 0 || check.status === 3, true, check.stderr)
    assert.doesNotMatch(check.stderr, /no help text|parsing|duplicate/i)
  })
})
