import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HealthEvent } from '../../../../src/cluster/health/health-event.ts'
import { healthEventLine } from '../../../../src/cluster/health/health-event.ts'
import { ClusterRuntime } from '../../../../src/cluster/cluster-runtime.ts'
import type { DnsAnswer } from '../../../../src/cluster/discovery/dns-resolver.ts'
import type { Endpoint } from '../../../../src/cluster/endpoint.ts'
import { DEFAULT_SPREAD } from '../../../../src/config/model/balancing.ts'
import type { Cluster } from '../../../../src/config/model/cluster.ts'
import type { HealthCheck } from '../../../../src/config/model/health-check.ts'
import type { LogFields } from '../../../../src/observe/log.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { cluster, endpointConfig } from '../build.ts'
import { FAIL, healthCheck, PASS, ToldProber, WRONG } from './build.ts'

interface World {
  readonly runtime: ClusterRuntime
  readonly clock: ManualClock
  readonly events: HealthEvent[]
  readonly lines: string[]
  /** The prober of an endpoint and a check. */
  prober(endpoint: string, check?: string): ToldProber
  stat(name: string): number
  addresses: readonly DnsAnswer[]
}

/** Otherwise all get traffic when none is healthy. */
const NEVER_PANIC = { ...DEFAULT_SPREAD, panicThreshold: 0 }

function world(checks: readonly HealthCheck[], more: Partial<Cluster> = {}): World {
  const clock = new ManualClock()
  const registry = new StatRegistry()
  const probers = new Map<string, ToldProber>()
  const events: HealthEvent[] = []
  const lines: string[] = []
  const log =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push([level, message, ...Object.entries(fields).map((each) => each.join('='))].join(' '))
  const made: World = {
    runtime: new ClusterRuntime(
      cluster({ endpoints: [endpointConfig('10.0.0.1')], healthChecks: checks, spread: NEVER_PANIC, ...more }),
      {
        clock,
        random: () => 0,
        registry,
        resolver: { resolve: async () => made.addresses },
        healthChecks: {
          probers(endpoint: Endpoint, check) {
            const prober = new ToldProber()
            probers.set(`${endpoint.text} ${check.name}`, prober)
            return prober
          },
          log: {
            trace: log('trace'),
            debug: log('debug'),
            info: log('info'),
            warning: log('warning'),
            error: log('error'),
            critical: log('critical'),
            wants: () => true,
          },
          onEvent: (event) => void events.push(event),
        },
      },
    ),
    clock,
    events,
    lines,
    prober(endpoint, check = '') {
      const prober = probers.get(`${endpoint} ${check}`)
      assert.ok(prober)
      return prober
    },
    stat(name) {
      const found = registry.all().find((each) => each.name === `cluster.app.${name}`)
      assert.ok(found !== undefined && found.kind !== 'histogram', name)
      return found.value
    },
    addresses: [],
  }
  return made
}

const ONE = '10.0.0.1:80'

test('an endpoint gets no traffic before its first check, which decides at once', async () => {
  const { runtime, prober, stat, lines } = world([healthCheck()])
  runtime.start()
  let warm = false
  const warmed = runtime.warm.then(() => (warm = true))
  assert.equal(runtime.pick().kind, 'none')
  assert.deepEqual(
    [runtime.endpoints[0]?.health.flags.failedActive, runtime.endpoints[0]?.health.flags.pendingActive],
    [true, true],
  )
  await Promise.resolve()
  assert.equal(warm, false)
  prober(ONE).answer(PASS)
  assert.equal(runtime.pick().kind, 'endpoint')
  await warmed
  assert.deepEqual(
    ['attempt', 'success', 'failure', 'healthy'].map((name) => stat(`health_check.${name}`)),
    [1, 1, 0, 1],
  )
  assert.equal(stat('membership_healthy'), 1)
  assert.deepEqual(lines, [`info endpoint is healthy cluster=app endpoint=${ONE} check=tcp`])
  runtime.stop()
})

test('failures of the network count, wrong answers need not; every change is told with its reason', () => {
  const { runtime, prober, clock, stat, lines } = world([healthCheck({ initial: 'healthy' })])
  runtime.start()
  const failed: Endpoint[] = []
  runtime.onEndpointFailed((endpoint) => failed.push(endpoint))
  assert.equal(runtime.pick().kind, 'endpoint')
  prober(ONE).answer(FAIL)
  assert.equal(runtime.pick().kind, 'endpoint')
  clock.advance(1000)
  prober(ONE).answer(FAIL)
  assert.equal(runtime.pick().kind, 'none')
  assert.equal(failed.length, 1)
  for (let i = 0; i < 3; i++) {
    clock.advance(1000)
    prober(ONE).answer(PASS)
  }
  assert.equal(runtime.pick().kind, 'endpoint')
  clock.advance(1000)
  prober(ONE).answer(WRONG)
  assert.equal(runtime.pick().kind, 'none')
  assert.deepEqual(
    ['attempt', 'success', 'failure', 'network_failure', 'healthy'].map((name) => stat(`health_check.${name}`)),
    [6, 3, 3, 2, 0],
  )
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('debug')),
    [
      `warning endpoint is unhealthy cluster=app endpoint=${ONE} check=tcp reason=refused`,
      `info endpoint is healthy again cluster=app endpoint=${ONE} check=tcp`,
      `warning endpoint is unhealthy cluster=app endpoint=${ONE} check=tcp reason=answered 500 hint=h`,
    ],
  )
  runtime.stop()
  assert.equal(clock.pending, 0)
  assert.equal(prober(ONE).closed, true)
})

test('a probe that takes too long is given up, and its time counts from its own start', () => {
  const { runtime, prober, clock, stat } = world([healthCheck({ timeoutMs: 300, unhealthyThreshold: 1 })])
  runtime.start()
  clock.advance(299)
  assert.equal(stat('health_check.failure'), 0)
  clock.advance(1)
  assert.deepEqual([stat('health_check.network_failure'), prober(ONE).abandoned], [1, 1])
  assert.equal(runtime.endpoints[0]?.health.flags.activeTimeout, true)
  assert.equal(runtime.nextHealthCheckMs, 1000)
  clock.advance(400)
  assert.equal(runtime.nextHealthCheckMs, 600)
  clock.advance(600)
  assert.equal(prober(ONE).probes, 2)
  assert.equal(runtime.nextHealthCheckMs, 0)
  prober(ONE).answer(PASS)
  runtime.stop()
})

test('all checks must pass; each has statistics under its name', async () => {
  const checks = [healthCheck({ name: 'port' }), healthCheck({ name: 'page', unhealthyThreshold: 1 })]
  const { runtime, prober, clock, stat } = world(checks)
  runtime.start()
  prober(ONE, 'port').answer(PASS)
  assert.equal(runtime.pick().kind, 'none')
  prober(ONE, 'page').answer(PASS)
  assert.equal(runtime.pick().kind, 'endpoint')
  await runtime.warm
  clock.advance(1000)
  prober(ONE, 'port').answer(PASS)
  prober(ONE, 'page').answer(FAIL)
  assert.equal(runtime.pick().kind, 'none')
  assert.deepEqual([stat('health_check.port.healthy'), stat('health_check.page.healthy')], [1, 0])
  runtime.stop()
  assert.deepEqual([stat('health_check.port.healthy'), stat('health_check.page.healthy')], [0, 0])
})

test('a response that asks for it fails the endpoint at once; checks bring it back', () => {
  const { runtime, prober, clock, stat } = world([healthCheck({ healthyThreshold: 1 })])
  runtime.start()
  prober(ONE).answer(PASS)
  const [endpoint] = runtime.endpoints
  assert.ok(endpoint)
  runtime.failPassively(endpoint, 'it said so')
  assert.equal(runtime.pick().kind, 'none')
  assert.equal(stat('health_check.passive_failure'), 1)
  assert.equal(clock.pending, 1)
  clock.advance(1000)
  prober(ONE).answer(PASS)
  assert.equal(runtime.pick().kind, 'endpoint')
  runtime.stop()
})

test('a degraded answer is a degraded endpoint', () => {
  const { runtime, prober, stat } = world([healthCheck()])
  runtime.start()
  prober(ONE).answer({ kind: 'success', degraded: true })
  assert.equal(runtime.endpoints[0]?.health.state, 'degraded')
  assert.deepEqual([stat('health_check.degraded'), stat('membership_degraded')], [1, 1])
  runtime.stop()
})

test('an endpoint with checks disabled is used as it is', async () => {
  const healthCheckOff = { port: undefined, hostname: '', disabled: true, address: undefined }
  const endpoints = [endpointConfig('10.0.0.1', { healthCheck: healthCheckOff })]
  const { runtime } = world([healthCheck()], { endpoints })
  runtime.start()
  assert.equal(runtime.pick().kind, 'endpoint')
  await runtime.warm
  runtime.stop()
})

/** A probe is under way when the names are looked up again. */
const SLOW = healthCheck({ unhealthyThreshold: 1, intervalMs: 4800, timeoutMs: 60_000 })
const NAMED = [endpointConfig('app.test')]

async function discovered(more: Partial<Cluster>): Promise<World & { turn(): Promise<void> }> {
  const made = world([SLOW], { discovery: 'strict-dns', endpoints: NAMED, ...more })
  made.addresses = [{ address: '10.0.0.1', family: 4, ttlSeconds: 60 }]
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  made.runtime.start()
  await turn()
  made.prober(ONE).answer(PASS)
  made.addresses = [{ address: '10.0.0.2', family: 4, ttlSeconds: 60 }]
  made.clock.advance(5000)
  await turn()
  made.prober('10.0.0.2:80').answer(PASS)
  return {
    ...made,
    turn,
    get addresses() {
      return made.addresses
    },
    set addresses(to) {
      made.addresses = to
    },
  }
}

const members = ({ runtime }: World): string[] => runtime.endpoints.map(({ text }) => text).sort()

test('an endpoint that DNS drops stays while it passes, and leaves with its first failure', async () => {
  const made = await discovered({})
  assert.deepEqual(members(made), ['10.0.0.1:80', '10.0.0.2:80'])
  made.prober(ONE).answer(FAIL)
  assert.deepEqual(members(made), ['10.0.0.2:80'])
  assert.equal(made.prober(ONE).closed, true)
  made.runtime.stop()
})

test('an endpoint that DNS drops and names again is the same one', async () => {
  const made = await discovered({})
  const before = made.runtime.endpoints.find(({ text }) => text === ONE)
  made.addresses = [
    { address: '10.0.0.1', family: 4, ttlSeconds: 60 },
    { address: '10.0.0.2', family: 4, ttlSeconds: 60 },
  ]
  made.clock.advance(5000)
  await made.turn()
  assert.deepEqual(members(made), ['10.0.0.1:80', '10.0.0.2:80'])
  assert.equal(
    made.runtime.endpoints.find(({ text }) => text === ONE),
    before,
  )
  made.runtime.stop()
})

test('with ignore_health_on_host_removal it leaves at once', async () => {
  const made = await discovered({ ignoreHealthOnRemoval: true })
  assert.deepEqual(members(made), ['10.0.0.2:80'])
  made.runtime.stop()
  assert.equal(made.clock.pending, 0)
})

test('a server that stops does not wait for checks', async () => {
  const { runtime } = world([healthCheck()])
  runtime.start()
  const { warm } = runtime
  runtime.stop()
  await warm
})

test("events have the form of Envoy's event log", () => {
  const { runtime, prober, clock, events } = world([
    healthCheck({ unhealthyThreshold: 1, healthyThreshold: 1, alwaysLogFailures: true, alwaysLogSuccess: true }),
  ])
  runtime.start()
  for (const outcome of [PASS, PASS, FAIL, FAIL, PASS]) {
    prober(ONE).answer(outcome)
    clock.advance(1000)
  }
  runtime.stop()
  const lines = events.map((event) => JSON.parse(healthEventLine(event)))
  assert.deepEqual(lines[0], {
    health_checker_type: 'TCP',
    host: {
      socket_address: { protocol: 'TCP', address: '10.0.0.1', resolver_name: '', ipv4_compat: false, port_value: 80 },
    },
    cluster_name: 'app',
    add_healthy_event: { first_check: true },
    timestamp: '2023-11-14T22:13:20.000Z',
    metadata: { filter_metadata: {}, typed_filter_metadata: {} },
    locality: { region: '', zone: '', sub_zone: '' },
  })
  assert.deepEqual(
    lines.map((line) => Object.entries(line).filter(([name]) => name.endsWith('_event'))),
    [
      [['add_healthy_event', { first_check: true }]],
      [['successful_health_check_event', {}]],
      [['eject_unhealthy_event', { failure_type: 'NETWORK' }]],
      [['health_check_failure_event', { failure_type: 'NETWORK', first_check: false }]],
      [['health_check_failure_event', { failure_type: 'NETWORK', first_check: false }]],
      [['add_healthy_event', { first_check: false }]],
    ],
  )
})
