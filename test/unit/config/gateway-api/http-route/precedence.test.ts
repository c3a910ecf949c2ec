import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lowerHttpMatch } from '../../../../../src/config/gateway-api/http-route/match.ts'
import { firstToMatch, type HostedRoute } from '../../../../../src/config/gateway-api/http-route/precedence.ts'
import { HTTP_ROUTE, type HttpMatch } from '../../../../../src/config/gateway-api/kinds/http-route.ts'
import type { Resource } from '../../../../../src/config/gateway-api/resource.ts'
import { NO_MUTATIONS } from '../../../../../src/config/model/header-mutation.ts'
import { NOWHERE } from '../../../../../src/config/model/place.ts'
import { Spot } from '../../../../../src/config/source/tree.ts'

const owner = (name: string, createdMs = 0): Resource => ({
  group: 'gateway.networking.k8s.io',
  kind: 'HTTPRoute',
  namespace: 'default',
  name,
  apiVersion: 'gateway.networking.k8s.io/v1',
  labels: {},
  annotations: {},
  createdMs,
  order: 0,
  generation: 1,
  value: undefined,
  spot: new Spot(undefined, '', NOWHERE),
  raw: undefined,
})

function parsed(match: object): HttpMatch {
  const { spec } = HTTP_ROUTE.schema.parse({ spec: { rules: [{ matches: [match] }] } })
  const [first] = spec.rules[0]?.matches ?? []
  assert.ok(first !== undefined)
  return first
}

function hosted(match: object, more: Partial<HostedRoute> = {}): HostedRoute {
  const { match: lowered, rank } = lowerHttpMatch(parsed(match))
  const action = { kind: 'direct', status: 200, body: Buffer.alloc(0), contentType: '' } as const
  const route = { name: '', match: lowered, action, mutations: NO_MUTATIONS, perFilter: new Map(), place: NOWHERE }
  return { owner: owner('a'), rank, order: 0, host: '*', route, ...more }
}

const before = (first: HostedRoute, second: HostedRoute): void => {
  assert.ok(firstToMatch(first, second) < 0)
  assert.ok(firstToMatch(second, first) > 0)
}
const path = (value: string, type = 'PathPrefix'): object => ({ path: { type, value } })
const headers = (...names: readonly string[]): object => ({ headers: names.map((name) => ({ name, value: 'x' })) })
const query = (...names: readonly string[]): object => ({ queryParams: names.map((name) => ({ name, value: 'x' })) })

test('a more specific hostname wins over everything of the match', () => {
  before(hosted(path('/'), { host: 'a.example.com' }), hosted(path('/a', 'Exact'), { host: '*.example.com' }))
  before(hosted(path('/'), { host: '*.a.example.com' }), hosted(path('/a', 'Exact'), { host: '*.example.com' }))
})

test('exact path, regular expression, longer prefix, shorter prefix', () => {
  before(hosted(path('/a', 'Exact')), hosted(path('/a.*', 'RegularExpression')))
  before(hosted(path('/a.*', 'RegularExpression')), hosted(path('/very/long/prefix')))
  before(hosted(path('/longer')), hosted(path('/long')))
})

test('a slash at the end makes no prefix longer', () => {
  assert.equal(firstToMatch(hosted(path('/abc/')), hosted(path('/abc'))), 0)
})

test('path before method, method before headers, headers before query', () => {
  before(hosted(path('/aa')), hosted({ ...path('/a'), method: 'GET' }))
  before(hosted({ method: 'GET' }), hosted(headers('a', 'b')))
  before(hosted(headers('a')), hosted(query('a', 'b', 'c')))
  before(hosted(headers('a', 'b')), hosted(headers('a')))
  before(hosted(query('a', 'b')), hosted(query('a')))
})

test('a name that stands twice counts once, headers without regard to case', () => {
  assert.equal(firstToMatch(hosted(headers('a', 'A')), hosted(headers('a'))), 0)
  before(hosted(query('a', 'A')), hosted(query('a')))
})

test('of equal matches the older route wins, then the name, then the order', () => {
  before(hosted({}, { owner: owner('z', 1) }), hosted({}, { owner: owner('a', 2) }))
  before(hosted({}, { owner: owner('a', 1) }), hosted({}, { owner: owner('b', 1) }))
  const same = owner('a')
  before(hosted({}, { owner: same, order: 1 }), hosted({}, { owner: same, order: 2 }))
})
