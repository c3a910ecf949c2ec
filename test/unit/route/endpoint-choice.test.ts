import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderList } from '../../../src/codec/header-list.ts'
import type { EndpointAffinity, HashPolicy, HashSource } from '../../../src/config/model/hash-policy.ts'
import { fnv1 } from '../../../src/core/hash/fnv-hash.ts'
import { xxHash64OfLatin1 as xx } from '../../../src/core/hash/xx-hash.ts'
import { answerHeaders, NO_CHOICE, requestChoice, type ChoiceRules } from '../../../src/route/endpoint-choice.ts'
import { ConnectionState } from '../../../src/transport/connection-state.ts'
import { address } from '../../support/exchange-facts.ts'

const ATTRIBUTES = { path: '/', secure: true, httpOnly: true, sameSite: 'Strict' } as const

const policy = (source: HashSource, more: Partial<HashPolicy> = {}): HashPolicy => ({
  source,
  terminal: false,
  hash: 'xxhash',
  ...more,
})

const header = (name: string, rewrite?: Extract<HashSource, { kind: 'header' }>['rewrite']): HashSource => ({
  kind: 'header',
  name,
  rewrite,
})

const state = new ConnectionState()
state.filterState.set('tenant', 'blue')
const facts = {
  downstream: { remote: address('10.1.1.1', 5000), local: address('10.2.2.2', 443), state },
  downstreamRemoteIp: '192.0.2.7',
}

const head = (path: string, ...fields: string[]) => ({
  method: 'GET',
  scheme: 'http',
  authority: 'app.example',
  path,
  headers: new HeaderList(fields),
})

const ENDPOINTS = [{ text: '10.0.0.1:80' }, { text: '10.0.0.2:80' }]

const choose = (rules: ChoiceRules, of = head('/'), endpoints = ENDPOINTS) => requestChoice(rules, of, facts, endpoints)
const hash = (policies: readonly HashPolicy[], of = head('/')) => choose({ hashPolicies: policies }, of).hash

const rotated = (value: bigint): bigint => BigInt.asUintN(64, (value << 1n) | (value >> 63n))

const digits = {
  source: '',
  test: () => true,
  replaceAll: (text: string, substitution: string) => text.replaceAll(/\d/g, substitution),
}

const HASHES: readonly (readonly [
  name: string,
  policies: readonly HashPolicy[],
  of: ReturnType<typeof head>,
  wanted: bigint | undefined,
])[] = [
  ['a header', [policy(header('x-user'))], head('/', 'x-user', 'a'), xx('a')],
  ['a header that is not there', [policy(header('x-user'))], head('/'), undefined],
  [
    'all values of a header in their order',
    [policy(header('x-user'))],
    head('/', 'x-user', 'b', 'x-user', 'a'),
    xx('ab'),
  ],
  ['a pseudo-header', [policy(header(':authority'))], head('/'), xx('app.example')],
  [
    'a header that is rewritten',
    [policy(header('x-user', { regex: digits, substitution: '-' }))],
    head('/', 'x-user', 'a12'),
    xx('a--'),
  ],
  [
    'a cookie',
    [policy({ kind: 'cookie', name: 'lb', ttlMs: undefined, attributes: ATTRIBUTES })],
    head('/', 'cookie', 'a=lb; lb="x=y"; lb=z'),
    xx('x=y'),
  ],
  [
    'a cookie that is not there and not made',
    [policy({ kind: 'cookie', name: 'lb', ttlMs: undefined, attributes: ATTRIBUTES })],
    head('/', 'cookie', 'xlb=1'),
    undefined,
  ],
  [
    'the address of the client',
    [policy({ kind: 'source-ip', real: false })],
    head('/', 'x-real-ip', '1.1.1.1'),
    xx('192.0.2.7'),
  ],
  ['the real address', [policy({ kind: 'source-ip', real: true })], head('/', 'x-real-ip', '1.1.1.1'), xx('1.1.1.1')],
  [
    'the real address by X-Forwarded-For',
    [policy({ kind: 'source-ip', real: true })],
    head('/', 'x-real-ip', 'nonsense', 'x-forwarded-for', '2.2.2.2, 3.3.3.3'),
    xx('2.2.2.2'),
  ],
  ['the real address without such headers', [policy({ kind: 'source-ip', real: true })], head('/'), xx('192.0.2.7')],
  ['a query parameter', [policy({ kind: 'query', name: 'u' })], head('/p?v=1&u=2&u=3'), xx('2')],
  ['filter state', [policy({ kind: 'filter-state', key: 'tenant' })], head('/'), xx('blue')],
  ['filter state that is not there', [policy({ kind: 'filter-state', key: 'other' })], head('/'), undefined],
  ['FNV-1 of a header', [policy(header('x-user'), { hash: 'fnv1' })], head('/', 'x-user', 'ab'), BigInt(fnv1('ab'))],
  ['FNV-1 of a header that is not there', [policy(header('x-user'), { hash: 'fnv1' })], head('/'), BigInt(fnv1(''))],
  [
    'two policies',
    [policy(header('x-user')), policy({ kind: 'query', name: 'u' })],
    head('/?u=1', 'x-user', 'a'),
    rotated(xx('a')) ^ xx('1'),
  ],
  [
    'the same policy twice, which does not cancel itself',
    [policy(header('x-user')), policy(header('x-user'))],
    head('/', 'x-user', 'a'),
    rotated(xx('a')) ^ xx('a'),
  ],
  [
    'a terminal policy that gave a hash',
    [policy(header('x-user'), { terminal: true }), policy({ kind: 'query', name: 'u' })],
    head('/?u=1', 'x-user', 'a'),
    xx('a'),
  ],
  [
    'a terminal policy that gave none',
    [policy(header('x-user'), { terminal: true }), policy({ kind: 'query', name: 'u' })],
    head('/?u=1'),
    xx('1'),
  ],
]

test('what is hashed', async (t) => {
  for (const [name, policies, of, wanted] of HASHES) await t.test(name, () => assert.equal(hash(policies, of), wanted))
})

test('a hash cookie with a life is made when it is missing, and set on the answer', () => {
  const policies = [policy({ kind: 'cookie', name: 'lb', ttlMs: 90_000, attributes: ATTRIBUTES })]
  const choice = choose({ hashPolicies: policies })
  const value = xx('10.1.1.1:500010.2.2.2:443').toString(16).padStart(16, '0')
  assert.equal(choice.hash, xx(value))
  assert.deepEqual(answerHeaders(choice, { text: '10.0.0.1:80' }, new HeaderList()), [
    ['set-cookie', `lb=${value}; Max-Age=90; Path=/; Secure; SameSite=Strict; HttpOnly`],
  ])
  const again = choose({ hashPolicies: policies }, head('/', 'cookie', `lb=${value}`))
  assert.equal(again.hash, choice.hash)
  assert.deepEqual(answerHeaders(again, { text: '10.0.0.1:80' }, new HeaderList()), [])
})

test('a route without policies costs nothing', () => {
  assert.equal(choose({}), NO_CHOICE)
  assert.equal(choose({ hashPolicies: [] }), NO_CHOICE)
})

const affinity = (more: Partial<EndpointAffinity> = {}): EndpointAffinity => ({
  carrier: { kind: 'cookie', name: 'at', ttlMs: 60_000, attributes: { ...ATTRIBUTES, secure: false, sameSite: '' } },
  onlyWithCookie: undefined,
  key: Buffer.from('secret'),
  strict: false,
  ...more,
})

const valueOf = (field: readonly [string, string] | undefined): string =>
  /^[^=]+=([^;]+)/.exec(field?.[1] ?? '')?.[1] ?? ''

test('an affinity cookie names the endpoint to this proxy alone, and to every worker alike', () => {
  const rules = { affinity: affinity() }
  const first = choose(rules)
  assert.deepEqual([first.preferred, first.strict], [undefined, false])
  const [field] = answerHeaders(first, { text: '10.0.0.2:80' }, new HeaderList())
  assert.match(field?.[1] ?? '', /^at=[\w-]{43}; Max-Age=60; Path=\/; HttpOnly$/)
  // Another worker with the same key, which never told anybody anything.
  const elsewhere = { affinity: affinity() }
  const back = choose(elsewhere, head('/', 'cookie', `at=${valueOf(field)}`))
  assert.equal(back.preferred, '10.0.0.2:80')
  assert.deepEqual(answerHeaders(back, { text: '10.0.0.2:80' }, new HeaderList()), [])
  const moved = answerHeaders(back, { text: '10.0.0.1:80' }, new HeaderList())
  assert.notEqual(valueOf(moved[0]), valueOf(field))
  const otherKey = { affinity: affinity({ key: Buffer.from('other') }) }
  assert.equal(choose(otherKey, head('/', 'cookie', `at=${valueOf(field)}`)).preferred, undefined)
})

test('a token of an endpoint that joins later is understood then', () => {
  const [field] = answerHeaders(choose({ affinity: affinity() }), { text: '10.0.0.9:80' }, new HeaderList())
  const rules = { affinity: affinity() }
  const asking = head('/', 'cookie', `at=${valueOf(field)}`)
  assert.equal(choose(rules, asking).preferred, undefined)
  assert.equal(choose(rules, asking, [...ENDPOINTS, { text: '10.0.0.9:80' }]).preferred, '10.0.0.9:80')
})

test('strict holds for a client that asks for an endpoint, known or not', () => {
  const rules = { affinity: affinity({ strict: true }) }
  assert.equal(choose(rules).strict, false)
  const lost = choose(rules, head('/', 'cookie', 'at=nobody'))
  assert.deepEqual([lost.strict, lost.preferred], [true, undefined])
})

test('an affinity header is set on the answer', () => {
  const rules = { affinity: affinity({ carrier: { kind: 'header', name: 'x-at' } }) }
  const [field] = answerHeaders(choose(rules), { text: '10.0.0.1:80' }, new HeaderList())
  assert.equal(field?.[0], 'x-at')
  assert.equal(choose(rules, head('/', 'x-at', field?.[1] ?? '')).preferred, '10.0.0.1:80')
})

test('an affinity cookie that follows the application’s own lives as long as that', () => {
  const choice = choose({ affinity: affinity({ onlyWithCookie: 'sid' }) })
  const answer = (cookie: string) =>
    answerHeaders(choice, { text: '10.0.0.1:80' }, new HeaderList(['set-cookie', cookie]))
  assert.deepEqual(answerHeaders(choice, { text: '10.0.0.1:80' }, new HeaderList()), [])
  assert.deepEqual(answer('other=1'), [])
  assert.match(answer('sid=1; Path=/x')[0]?.[1] ?? '', /^at=[\w-]{43}; Path=\/; HttpOnly$/)
  assert.match(answer('sid=1; max-age=5')[0]?.[1] ?? '', /^at=[\w-]{43}; Path=\/; HttpOnly; max-age=5$/)
})
