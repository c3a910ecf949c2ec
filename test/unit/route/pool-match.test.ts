// Which pool a request goes to: matchers of headers and paths, chances and hashes of a thousand, and what differs by pool.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeaderList } from '../../../src/codec/header-list.ts'
import type { ClusterChoice, PoolMatch } from '../../../src/config/model/route.ts'
import type { StringMatch } from '../../../src/config/model/string-match.ts'
import { fnv1 } from '../../../src/core/hash/fnv-hash.ts'
import { chooseCluster } from '../../../src/route/cluster-choice.ts'
import { poolMatches } from '../../../src/route/pool-match.ts'
import type { MatchedHead } from '../../../src/route/header-test.ts'

const head = (path: string, ...fields: string[]): MatchedHead => ({
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path,
  headers: new HeaderList(fields),
})
const text = (kind: 'exact' | 'prefix', value: string): StringMatch => ({ kind, value, ignoreCase: false })
const FACTS = { random: 0.5, clientIp: '10.0.0.1' }
const takes = (match: PoolMatch, request: MatchedHead, facts = FACTS): boolean => poolMatches(match, request, facts)

const general = (more: Partial<Extract<PoolMatch, { kind: 'general' }>>): PoolMatch => ({
  kind: 'general',
  headers: [],
  allHeaders: false,
  urls: [],
  ...more,
})

describe('a general matcher', () => {
  const one = { name: 'x-one', match: [text('exact', 'a'), text('prefix', 'b')], empty: false }
  const two = { name: 'x-two', match: [], empty: true }

  test('takes any pattern of any value of any header', () => {
    const match = general({ headers: [one] })
    assert.equal(takes(match, head('/', 'x-one', 'a')), true)
    assert.equal(takes(match, head('/', 'x-one', 'bcd')), true)
    assert.equal(takes(match, head('/', 'x-one', 'no', 'x-one', 'a')), true)
    assert.equal(takes(match, head('/', 'x-one', 'c')), false)
    assert.equal(takes(match, head('/')), false)
  })

  test('compares a missing header as an empty one', () => {
    assert.equal(takes(general({ headers: [two] }), head('/')), true)
    assert.equal(takes(general({ headers: [two] }), head('/', 'x-two', 'x')), false)
    const prefixOfAll = general({ headers: [{ name: 'x', match: [text('prefix', '')], empty: false }] })
    assert.equal(takes(prefixOfAll, head('/')), true)
  })

  test('wants one header, or all of them', () => {
    const request = head('/', 'x-one', 'a', 'x-two', 'not empty')
    assert.equal(takes(general({ headers: [one, two] }), request), true)
    assert.equal(takes(general({ headers: [one, two], allHeaders: true }), request), false)
    assert.equal(takes(general({ headers: [one, two], allHeaders: true }), head('/', 'x-one', 'a')), true)
  })

  test('wants one of its paths besides, without the query', () => {
    const urls = [
      { methods: ['POST'], url: [text('prefix', '/')], empty: false },
      { methods: [], url: [text('exact', '/b')], empty: false },
    ]
    const match = general({ headers: [one], urls })
    assert.equal(takes(match, head('/b?q', 'x-one', 'a')), true)
    assert.equal(takes(match, head('/c', 'x-one', 'a')), false)
    assert.equal(takes(match, head('/b')), false)
  })
})

describe('a matcher of so many of a thousand', () => {
  test('goes by chance', () => {
    assert.equal(takes({ kind: 'random', permil: 501 }, head('/')), true)
    assert.equal(takes({ kind: 'random', permil: 500 }, head('/')), false)
  })

  test('goes by the address that headers name first, and by a header', () => {
    const of = (value: string): number => fnv1(value) % 1000
    const ip = (permil: number): PoolMatch => ({ kind: 'ip-hash', permil })
    assert.equal(takes(ip(of('10.0.0.1') + 1), head('/')), true)
    assert.equal(takes(ip(of('10.0.0.1')), head('/')), false)
    const request = head('/', 'x-real-ip', '192.0.2.9', 'x-forwarded-for', '198.51.100.1')
    assert.equal(takes(ip(of('192.0.2.9') + 1), request), true)
    assert.equal(takes(ip(of('192.0.2.9')), request), false)
    const key = (permil: number): PoolMatch => ({ kind: 'header-hash', permil, header: 'x-user' })
    assert.equal(takes(key(of('ann') + 1), head('/', 'x-user', 'ann')), true)
    assert.equal(takes(key(of('ann')), head('/', 'x-user', 'ann')), false)
    assert.equal(takes(key(of('') + 1), head('/')), true)
  })
})

describe('the choice of a pool', () => {
  const slow = { timeoutMs: 1 }
  const choice: ClusterChoice = {
    kind: 'first-match',
    candidates: [
      { match: general({ headers: [{ name: 'x-beta', match: [text('exact', '1')], empty: false }] }), pool: 'beta' },
      { match: { kind: 'random', permil: 500 }, pool: 'half' },
      { match: { kind: 'random', permil: 500 }, pool: 'quarter' },
    ],
    main: 'main',
    pools: new Map([['beta', slow]]),
  }

  test('is the first that matches, with what differs there; else the main one', () => {
    const beta = chooseCluster(choice, head('/', 'x-beta', '1'), 0.9)
    assert.deepEqual(beta, { kind: 'cluster', name: 'beta', member: undefined, pool: slow })
    const names = [0.1, 0.49, 0.5, 0.74, 0.75, 0.99].map((random) => {
      const chosen = chooseCluster(choice, head('/'), random)
      return chosen.kind === 'cluster' ? chosen.name : chosen.kind
    })
    assert.deepEqual(names, ['half', 'half', 'quarter', 'quarter', 'main', 'main'])
  })
})
