// The pages of Easegress's admin API: objects, what they have served, health, and a metrics page that Prometheus can read.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import type { AdminResponse, Endpoint } from '../../../../src/admin/endpoint.ts'
import { HEALTHZ } from '../../../../src/admin/easegress/healthz.ts'
import { METRICS } from '../../../../src/admin/easegress/metrics.ts'
import { OBJECTS } from '../../../../src/admin/easegress/objects.ts'
import { STATUS_OBJECTS } from '../../../../src/admin/easegress/status.ts'
import { observe } from '../../../../src/observe/stats/registry.ts'
import { adminStage } from '../../../support/admin-context.ts'

const stage = adminStage()
const [sample] = stage.context.clusters()
if (sample === undefined) throw new Error('the stage has a cluster')

stage.config = {
  ...stage.config,
  objects: [
    { kind: 'Pipeline', name: 'chat', namespace: '', value: { kind: 'Pipeline', name: 'chat' } },
    { kind: 'Pipeline', name: 'a/b', namespace: '', value: { kind: 'Pipeline', name: 'a/b' } },
    { kind: 'HTTPServer', name: 'web', namespace: '', value: { kind: 'HTTPServer', name: 'web' } },
    { kind: 'GlobalFilter', name: 'g', namespace: '', value: { kind: 'GlobalFilter', name: 'g' } },
    { kind: 'Gateway', name: 'gateway', namespace: 'x', value: { kind: 'Gateway', status: { addresses: [] } } },
  ],
}
const cluster = (name: string): typeof sample => ({ ...sample, name, observabilityName: name })
const context = {
  ...stage.context,
  clusters: () =>
    [
      'chat/websocketproxy#ws#main',
      'chat/websocketproxy#ws#candidate#0',
      'chat/proxy#plain#main',
      'a/b/websocketproxy#ws#main',
      'chats/websocketproxy#ws#main',
      'g/beforePipeline/websocketproxy#ws#main',
      'elsewhere',
    ].map(cluster),
}
const { registry } = stage
registry.counter('http.web.downstream_rq_total').value = 5
registry.counter('http.web.downstream_rq_2xx').value = 2
registry.counter('http.web.downstream_rq_4xx').value = 2
registry.counter('http.web.downstream_rq_5xx').value = 1
registry.gauge('http.web.downstream_cx_upgrades_active').value = 3
observe(registry.histogram('http.web.downstream_rq_time'), 7)
registry.counter('cluster.chat/websocketproxy#ws#main.upstream_rq_total').value = 4
registry.gauge('cluster.chat/websocketproxy#ws#main.upstream_rq_active').value = 2

const ask = (endpoint: Endpoint, path: string): AdminResponse =>
  endpoint.handle({ method: 'GET', path, query: new URLSearchParams() }, context)
const data = (endpoint: Endpoint, path: string): unknown => JSON.parse(ask(endpoint, path).body)

/** Follows a path of keys into data. */
function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  return keys.reduce<unknown>(
    (found, key) => (typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined),
    value,
  )
}

test('objects: all, one by name, none', () => {
  const all = ask(OBJECTS, '/apis/v2/objects')
  assert.equal(JSON.parse(all.body).length, 5)
  assert.match(all.headers?.['x-config-version'] ?? '', /^\d+$/)
  assert.deepEqual(data(OBJECTS, '/apis/v2/objects/chat'), { kind: 'Pipeline', name: 'chat' })
  assert.deepEqual(data(OBJECTS, '/apis/v2/objects/a%2Fb'), { kind: 'Pipeline', name: 'a/b' })
  assert.equal(ask(OBJECTS, '/apis/v2/objects/nobody').status, 404)
  assert.equal(ask(OBJECTS, '/apis/v2/objects/%zz').status, 404)
})

test('status: the pools of a pipeline are its own clusters, by filter', () => {
  const chat = data(STATUS_OBJECTS, '/apis/v2/status/objects/chat')
  assert.deepEqual(Object.keys(Object(at(chat, 'filters'))), ['ws', 'plain'])
  assert.equal(at(chat, 'filters', 'ws', 'mainPool', 'stat', 'count'), 4)
  assert.equal(at(chat, 'filters', 'ws', 'mainPool', 'activeSessions'), 2)
  assert.equal(at(chat, 'filters', 'ws', 'candidatePools', 'length'), 1)
  assert.equal(at(chat, 'filters', 'plain', 'candidatePools', 'length'), 0)
  assert.deepEqual(
    [0, 1].map((i) => at(chat, 'filters', 'ws', 'mainPool', 'servers', i, 'healthy')),
    [true, false],
  )
  assert.deepEqual(Object.keys(Object(at(data(STATUS_OBJECTS, '/apis/v2/status/objects/a%2Fb'), 'filters'))), ['ws'])
})

test('status: a server with its statistics, live numbers, and percentages that are right', () => {
  const web = data(STATUS_OBJECTS, '/apis/v2/status/objects/web')
  assert.deepEqual(
    ['state', 'count', 'errCount', 'activeUpgrades'].map((key) => at(web, key)),
    ['running', 5, 3, 3],
  )
  assert.deepEqual(at(web, 'codes'), { '2xx': 2, '4xx': 2, '5xx': 1 })
  const all = data(STATUS_OBJECTS, '/apis/v2/status/objects')
  assert.deepEqual(Object.keys(Object(all)), ['chat', 'a/b', 'web', 'g', 'gateway'])
  assert.deepEqual(Object.keys(Object(at(all, 'g', 'beforePipeline', 'filters'))), ['ws'])
  assert.deepEqual(at(all, 'gateway'), { addresses: [] })
  assert.equal(ask(STATUS_OBJECTS, '/apis/v2/status/objects/nobody').status, 404)
})

test('healthz says whether new work is taken, at both places', () => {
  for (const endpoint of HEALTHZ) assert.equal(ask(endpoint, endpoint.path).status, 200)
  stage.state = 'DRAINING'
  for (const endpoint of HEALTHZ) assert.equal(ask(endpoint, endpoint.path).status, 503)
  stage.state = 'LIVE'
})

const metrics = (): string => {
  const [endpoint] = METRICS
  return endpoint === undefined ? '' : ask(endpoint, endpoint.path).body
}

test('metrics have the names of Easegress and its labels, and a gauge of open WebSockets', () => {
  assert.deepEqual(
    METRICS.map(({ path }) => path),
    ['/apis/v2/metrics', '/metrics'],
  )
  const labels = 'clusterName="edge",clusterRole="primary",instanceName="n1",kind="HTTPServer",httpServerName="web"'
  const lines = metrics().split('\n')
  for (const line of [
    `httpserver_total_requests{${labels}} 5`,
    `httpserver_total_error_requests{${labels}} 3`,
    `httpserver_active_upgrades{${labels}} 3`,
    `httpserver_health{${labels}} 1`,
    `httpserver_requests_duration_count{${labels}} 1`,
    `httpserver_requests_duration_bucket{${labels},le="+Inf"} 1`,
  ])
    assert.ok(lines.includes(line), `${line} must be among\n${lines.join('\n')}`)
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
test('promtool reads the metrics', { skip: promtool ? false : 'promtool is not installed' }, () => {
  const check = spawnSync('promtool', ['check', 'metrics'], { input: metrics(), encoding: 'utf8' })
  // 3 is advice about names, which are Easegress's; 1 is a page that does not parse.
  assert.equal(check.status === 0 || check.status === 3, true, check.stderr)
  assert.doesNotMatch(check.stderr, /no help text|parsing|duplicate/i)
})
