import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TunnelIntent } from '../../../src/codec/http-stream.ts'
import { NO_MUTATIONS } from '../../../src/config/model/header-mutation.ts'
import type { HttpFilterConfig } from '../../../src/config/model/http-filter.ts'
import type { ClusterChoice, RouteAction, WeightedCluster } from '../../../src/config/model/route.ts'
import { chooseCluster } from '../../../src/route/cluster-choice.ts'
import { decideUpgrade } from '../../../src/route/upgrade-policy.ts'
import { forward, place, prefix, request, route } from './build.ts'

const chain = (name: string): readonly HttpFilterConfig[] => [
  { kind: 'buffer', name, disabled: false, maxRequestBytes: 1, place: place(1) },
]
const HCM_CHAIN = chain('hcm')
const ROUTE_CHAIN = chain('route')

type Entry = 'absent' | 'on' | 'off' | 'on+filters' | 'off+filters'

const enabled = (entry: Entry): boolean => entry.startsWith('on')

function decide(hcm: Entry, own: Entry | RouteAction, tunnel: TunnelIntent = { kind: 'upgrade', type: 'WebSocket' }) {
  const key = tunnel.kind === 'connect' ? 'connect' : 'websocket'
  const entry = (state: Entry, filters: readonly HttpFilterConfig[], line: number) =>
    state === 'absent'
      ? []
      : [
          [
            key,
            { enabled: enabled(state), filters: state.endsWith('filters') ? filters : undefined, place: place(line) },
          ] as const,
        ]
  const action = typeof own === 'string' ? forward({ upgrades: new Map(entry(own, ROUTE_CHAIN, 30)) }) : own
  return decideUpgrade(tunnel, new Map(entry(hcm, HCM_CHAIN, 40)), place(50), route('r', prefix('/'), { action }))
}

/** The truth table, with whose filters run. */
const TABLE: readonly (readonly [hcm: Entry, own: Entry, result: 'refused' | 'default' | 'hcm' | 'route'])[] = [
  ['absent', 'absent', 'refused'],
  ['absent', 'on', 'default'],
  ['absent', 'on+filters', 'route'],
  ['absent', 'off', 'refused'],
  ['on', 'absent', 'default'],
  ['on+filters', 'absent', 'hcm'],
  ['on', 'off', 'refused'],
  ['on+filters', 'off', 'refused'],
  ['on+filters', 'on', 'hcm'],
  ['on+filters', 'on+filters', 'route'],
  ['on', 'on', 'default'],
  ['off', 'absent', 'refused'],
  ['off', 'on', 'default'],
  ['off+filters', 'on', 'hcm'],
  ['off+filters', 'on+filters', 'route'],
  ['off+filters', 'absent', 'refused'],
  ['off', 'off', 'refused'],
  ['on', 'off+filters', 'refused'],
]

const CHAINS = { default: undefined, hcm: HCM_CHAIN, route: ROUTE_CHAIN }

test('upgrades are allowed by the truth table', async (t) => {
  for (const [hcm, own, result] of TABLE) {
    await t.test(`connection manager ${hcm}, route ${own} → ${result}`, () => {
      const decision = decide(hcm, own)
      if (result === 'refused') assert.equal(decision.kind, 'refused')
      else assert.deepEqual(decision, { kind: 'allowed', filters: CHAINS[result] })
    })
  }
})

test('CONNECT is looked up by its method', () => {
  assert.equal(decide('on', 'absent', { kind: 'connect' }).kind, 'allowed')
  assert.equal(decide('absent', 'absent', { kind: 'connect' }).kind, 'refused')
})

test('the whole Upgrade value is one type', () => {
  assert.equal(decide('on', 'on', { kind: 'upgrade', type: 'foo, websocket' }).kind, 'refused')
})

test('a route that answers by itself answers upgrades too', () => {
  const direct: RouteAction = { kind: 'direct', status: 503, body: Buffer.alloc(0), contentType: 'text/plain' }
  assert.deepEqual(decide('absent', direct), { kind: 'allowed-local', filters: undefined })
  assert.deepEqual(decide('off+filters', direct), { kind: 'allowed-local', filters: HCM_CHAIN })
})

const REFUSALS: readonly (readonly [Entry, Entry, TunnelIntent, says: RegExp, line: number])[] = [
  [
    'absent',
    'absent',
    { kind: 'connect' },
    /^CONNECT is not enabled: no upgrade_configs entry for CONNECT in the connection manager \(envoy.yaml:50\) or in route "r" \(envoy.yaml:20\)$/,
    20,
  ],
  [
    'on',
    'off',
    { kind: 'upgrade', type: 'websocket' },
    /is disabled on route "r".*\(envoy.yaml:30\) has enabled: false/,
    30,
  ],
  [
    'off',
    'absent',
    { kind: 'upgrade', type: 'websocket' },
    /the connection manager's upgrade_configs entry \(envoy.yaml:40\) has enabled: false/,
    40,
  ],
  [
    'on',
    'absent',
    { kind: 'upgrade', type: 'h2c' },
    /no upgrade_configs entry for "h2c".*entries exist for "websocket"/,
    20,
  ],
]

test('a refusal says which entry decided, and where', async (t) => {
  for (const [hcm, own, tunnel, says, line] of REFUSALS) {
    await t.test(String(says), () => {
      const decision = decide(hcm, own, tunnel)
      assert.ok(decision.kind === 'refused')
      assert.match(decision.explanation, says)
      assert.equal(decision.place.line, line)
    })
  }
})

const weighted = (name: string, weight: number): WeightedCluster => ({
  cluster: name.startsWith('@') ? { kind: 'header', header: name.slice(1) } : { kind: 'cluster', name },
  weight,
  mutations: NO_MUTATIONS,
  hostRewrite: '',
  perFilter: new Map(),
  place: place(60),
})

const split: ClusterChoice = {
  kind: 'weighted',
  clusters: [weighted('a', 1), weighted('zero', 0), weighted('b', 3)],
  total: 4,
  headerName: 'x-pick',
}

const CHOICES: readonly (readonly [
  ClusterChoice,
  random: number,
  headers: readonly (readonly [string, string])[],
  name: string | undefined,
])[] = [
  [{ kind: 'cluster', name: 'app' }, 0.9, [], 'app'],
  [{ kind: 'header', header: 'x-to' }, 0, [['x-to', 'other']], 'other'],
  [{ kind: 'header', header: ':authority' }, 0, [], 'example.com'],
  [{ kind: 'header', header: 'x-to' }, 0, [], undefined],
  [{ kind: 'header', header: 'x-to' }, 0, [['x-to', '']], undefined],
  [split, 0, [], 'a'],
  [split, 0.249, [], 'a'],
  [split, 0.25, [], 'b'],
  [split, 0.999, [], 'b'],
  [split, 0.999, [['x-pick', '0']], 'a'],
  [split, 0, [['x-pick', '1']], 'b'],
  [split, 0.999, [['x-pick', '4']], 'a'],
  [split, 0, [['x-pick', '18446744073709551615']], 'b'],
  [split, 0, [['x-pick', '18446744073709551616']], 'a'],
  [split, 0, [['x-pick', 'no']], 'a'],
  [{ kind: 'weighted', clusters: [weighted('@x-to', 1)], total: 1, headerName: '' }, 0, [['x-to', 'dyn']], 'dyn'],
  [{ kind: 'weighted', clusters: [weighted('@x-to', 1)], total: 1, headerName: '' }, 0, [], undefined],
  [{ kind: 'weighted', clusters: [weighted('a', 0)], total: 0, headerName: 'x-pick' }, 0, [['x-pick', '1']], undefined],
]

test('the cluster of a route', async (t) => {
  for (const [choice, random, headers, name] of CHOICES) {
    await t.test(`${JSON.stringify(choice.kind)} ${random} ${JSON.stringify(headers)} → ${name}`, () => {
      const chosen = chooseCluster(choice, request({ headers }), random)
      assert.equal(chosen.kind === 'cluster' ? chosen.name : undefined, name)
    })
  }
})
