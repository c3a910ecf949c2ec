// `/apis/v2/metrics`: Easegress's series for Prometheus under their own names, with gauges of what is open now, which it
// does not have.

import { HISTOGRAM_BOUNDS, type Histogram } from '../../observe/stats/registry.ts'
import { PROMETHEUS_CONTENT_TYPE } from '../../observe/metrics/prometheus.ts'
import type { AdminContext } from '../context.ts'
import type { Endpoint } from '../endpoint.ts'
import { type Served, servedByServer } from './served.ts'

export const METRICS: readonly Endpoint[] = ['/apis/v2/metrics', '/metrics'].map((path) => ({
  path,
  summary: 'statistics of HTTPServers for Prometheus, under Easegress’s names',
  mutates: false,
  parameters: [],
  handle: (_, context) => ({ status: 200, contentType: PROMETHEUS_CONTENT_TYPE, body: exposition(context) }),
}))

/** Name in Easegress's exposition → member of the status. */
const GAUGES: Readonly<Record<string, string>> = {
  m1: 'm1',
  m5: 'm5',
  m15: 'm15',
  m1_err: 'm1Err',
  m5_err: 'm5Err',
  m15_err: 'm15Err',
  m1_err_percent: 'm1ErrPercent',
  m5_err_percent: 'm5ErrPercent',
  m15_err_percent: 'm15ErrPercent',
  min: 'min',
  max: 'max',
  mean: 'mean',
  p25: 'p25',
  p50: 'p50',
  p75: 'p75',
  p95: 'p95',
  p98: 'p98',
  p99: 'p99',
  p999: 'p999',
  req_size: 'reqSize',
  resp_size: 'respSize',
}

const LIVE: Readonly<Record<string, string>> = {
  active_connections: 'downstream_cx_active',
  active_requests: 'downstream_rq_active',
  active_upgrades: 'downstream_cx_upgrades_active',
}

/** Of those whose names do not say all. */
const HELP: Readonly<Record<string, string>> = {
  health: '1 while the server takes new work.',
  total_requests: 'Requests that came, WebSocket handshakes included.',
  total_responses: 'Requests that were answered.',
  total_error_requests: 'Requests that were answered with 400 or above.',
  active_connections: 'Connections that are open now.',
  active_requests: 'Requests that are under way now, open WebSockets included.',
  active_upgrades: 'WebSockets that are open now.',
  req_size: 'Bytes received so far.',
  resp_size: 'Bytes sent so far.',
}

interface Server {
  readonly name: string
  readonly labels: string
  readonly served: Served
}

function exposition(context: AdminContext): string {
  const servers = (context.config().objects ?? [])
    .filter(({ kind }) => kind === 'HTTPServer')
    .map(({ name }) => ({
      name,
      labels: labelsOf(context, name),
      served: servedByServer(context, name),
    }))
  const series = (name: string, type: string, value: (server: Server) => number): string =>
    `# HELP ${name} ${HELP[name.slice('httpserver_'.length)] ?? 'As in Easegress.'}\n# TYPE ${name} ${type}\n${servers.map((server) => `${name}{${server.labels}} ${value(server)}\n`).join('')}`
  const member = (key: string) => (server: Server) => Number(server.served[key] ?? 0)
  return [
    series('httpserver_health', 'gauge', () => (context.server.state() === 'LIVE' ? 1 : 0)),
    series('httpserver_total_requests', 'counter', member('count')),
    series('httpserver_total_responses', 'counter', responses),
    series('httpserver_total_error_requests', 'counter', member('errCount')),
    ...Object.entries(GAUGES).map(([name, key]) => series(`httpserver_${name}`, 'gauge', member(key))),
    ...Object.entries(LIVE).map(([name, stat]) =>
      series(`httpserver_${name}`, 'gauge', (server) => context.registry.gauge(`http.${server.name}.${stat}`).value),
    ),
    '# HELP httpserver_requests_duration Milliseconds of a request; WebSockets are not among them.\n',
    '# TYPE httpserver_requests_duration histogram\n',
    ...servers.map(({ name, labels }) =>
      duration(context.registry.histogram(`http.${name}.downstream_rq_time`), labels),
    ),
  ].join('')
}

/** Answered ones: every class of status counts once. */
const responses = ({ served }: Server): number =>
  typeof served['codes'] === 'object' ? Object.values(served['codes']).reduce((sum, count) => sum + count, 0) : 0

function duration({ buckets, count, sum }: Histogram, labels: string): string {
  let below = 0
  const lines = HISTOGRAM_BOUNDS.map((bound, index) => {
    below += buckets[index] ?? 0
    return `httpserver_requests_duration_bucket{${labels},le="${bound}"} ${below}\n`
  })
  return `${lines.join('')}httpserver_requests_duration_bucket{${labels},le="+Inf"} ${count}
httpserver_requests_duration_sum{${labels}} ${sum}
httpserver_requests_duration_count{${labels}} ${count}
`
}

function labelsOf(context: AdminContext, name: string): string {
  const { node } = context.config()
  const labels = {
    clusterName: node.cluster === '' ? 'eg-cluster-default-name' : node.cluster,
    clusterRole: 'primary',
    instanceName: node.id === '' ? 'eg-default-name' : node.id,
    kind: 'HTTPServer',
    httpServerName: name,
  }
  return Object.entries(labels)
    .map(([key, value]) => `${key}="${value.replaceAll(/["\\\n]/g, '_')}"`)
    .join(',')
}
