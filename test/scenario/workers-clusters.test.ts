// `--concurrency 2` and clusters: each worker checks and ejects for itself, admin shows one cluster and not two, and a
// session cookie that one worker set leads to the same endpoint in the other.

import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, endpoint, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { until, within } from '../support/waiting.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.'
const SESSION: YamlMap = {
  name: 'session',
  typed_config: {
    '@type': `${TYPE}filters.http.stateful_session.v3.StatefulSession`,
    session_state: {
      name: 'envoy.http.stateful_session.cookie',
      typed_config: {
        '@type': `${TYPE}http.stateful_session.cookie.v3.CookieBasedSessionState`,
        cookie: { name: 'session', ttl: '120s', path: '/' },
      },
    },
  },
}
/** Both workers get some of so many connections, short of odds of one in eight million. */
const MANY = 24

let apps: readonly EchoApp[]
let closed: number
let proxy: ProxyProcess

before(async () => {
  apps = await Promise.all([startEchoApp(), startEchoApp(), startEchoApp()])
  closed = (await freePorts('closed')).closed
  const over = (name: string, ports: readonly number[], more: YamlMap): YamlMap =>
    cluster({
      name,
      port: 1,
      more: {
        load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: ports.map(endpoint) }] },
        common_lb_config: { healthy_panic_threshold: { value: 0 } },
        ...more,
      },
    })
  const ports = apps.map(({ port }) => port)
  const check = {
    timeout: '1s',
    interval: '0.2s',
    healthy_threshold: 1,
    unhealthy_threshold: 1,
    tcp_health_check: {},
  }
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'in', filters: [SESSION], routes: [route('/out', 'ejecting'), route('/', 'checked')] })],
      [
        over('checked', [...ports, closed], {
          health_checks: [check],
          lb_policy: 'RING_HASH',
          ring_hash_lb_config: { minimum_ring_size: 64 },
        }),
        over('ejecting', [closed], {
          outlier_detection: { consecutive_5xx: 1, base_ejection_time: '60s', max_ejection_percent: 100 },
        }),
      ],
    ),
    { args: ['--concurrency', '2', '--drain-time-s', '0'] },
  )
})

after(async () => {
  await proxy.stop()
  await Promise.all(apps.map((app) => app.stop()))
  await nothingLeft()
})

/** Opens a WebSocket; answers its cookie and which app got it. */
async function open(path: string, cookie: string): Promise<{ socket: WebSocket; cookie: string; app: EchoApp }> {
  const headers = cookie === '' ? {} : { cookie }
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('in')}${path}`, { headers })
  const answer = await within(
    new Promise<IncomingMessage>((resolve, reject) => socket.once('upgrade', resolve).once('error', reject)),
    `a 101 for ${path}`,
  )
  const app = await until(() => apps.find(({ visits }) => visits.some((visit) => visit.path === path)), {
    what: `the app that got ${path}`,
  })
  return { socket, cookie: answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '', app }
}

function status(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ port: proxy.port('in'), path, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
    }).on('error', reject)
  })
}

/** The health flags of an endpoint in `/clusters`. */
async function flags(name: string, port: number): Promise<string | undefined> {
  const { body } = await proxy.admin('/clusters')
  return body
    .split('\n')
    .find((line) => line.startsWith(`${name}::127.0.0.1:${port}::health_flags::`))
    ?.split('::')
    .at(-1)
}

describe(
  'two workers',
  { skip: process.platform === 'linux' ? false : 'needs SO_REUSEPORT balancing of Linux' },
  () => {
    test('show the endpoints of a cluster once', async () => {
      assert.equal(await proxy.stat('cluster.checked.membership_total'), 4)
      await proxy.statBecomes('cluster.checked.membership_healthy', 3)
      assert.equal(await proxy.stat('cluster.checked.health_check.healthy'), 3)
      assert.equal(await flags('checked', closed), '/failed_active_hc')
      assert.equal(await flags('checked', apps[0]?.port ?? 0), 'healthy')
    })

    test('honour the session cookie that the other one set', async () => {
      const first = await open('/first', '')
      assert.notEqual(first.cookie, '')
      const again = await Promise.all(Array.from({ length: MANY }, (_, index) => open(`/again-${index}`, first.cookie)))
      for (const { app } of again) assert.equal(app, first.app)
      const ids = (await proxy.tunnels()).map(({ id }) => id % 1024)
      assert.equal(new Set(ids).size, 2, 'both workers have tunnels')
      // A table of hashes is the same in both, so its size is not twice what it is.
      assert.equal(await proxy.stat('cluster.checked.ring_hash_lb.size'), 66)
      await proxy.statBecomes('cluster.checked.upstream_rq_active', MANY + 1)
      for (const { socket } of [first, ...again]) socket.terminate()
      await proxy.statBecomes('cluster.checked.upstream_rq_active', 0)
    })

    test('eject for themselves, and the ejection of either is shown', async () => {
      assert.equal(await flags('ejecting', closed), 'healthy')
      assert.equal(await status('/out'), 503)
      // Only one worker knows so far.
      assert.equal(await flags('ejecting', closed), '/failed_outlier_check')
      assert.equal(await proxy.stat('cluster.ejecting.membership_healthy'), 0)
      for (let i = 0; i < MANY; i++) assert.equal(await status('/out'), 503)
      assert.equal(await proxy.stat('cluster.ejecting.outlier_detection.ejections_active'), 1)
      assert.equal(await proxy.stat('cluster.ejecting.outlier_detection.ejections_enforced_total'), 2)
      assert.equal(await proxy.stat('cluster.ejecting.membership_total'), 1)
    })
  },
)
