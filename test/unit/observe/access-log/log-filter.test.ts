import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HeaderList } from '../../../../src/codec/header-list.ts'
import type { LogFilter } from '../../../../src/config/model/access-log.ts'
import type { StreamFacts } from '../../../../src/format/stream-facts.ts'
import { logFilter } from '../../../../src/observe/access-log/log-filter.ts'
import { exchangeFacts, requestHead } from '../../../support/exchange-facts.ts'

const passes = (filter: LogFilter, changes: Partial<StreamFacts> = {}): boolean =>
  logFilter(filter)(exchangeFacts(changes))

test('without a filter everything is logged', () => {
  assert.equal(logFilter(undefined)(exchangeFacts()), true)
})

test('status and duration compare', () => {
  const status = (op: 'EQ' | 'NE' | 'GE' | 'LE', value: number): LogFilter => ({
    kind: 'status',
    comparison: { op, value },
  })
  assert.equal(passes(status('GE', 500), { responseCode: 503 }), true)
  assert.equal(passes(status('GE', 500), { responseCode: 499 }), false)
  assert.equal(passes(status('LE', 101)), true)
  assert.equal(passes(status('EQ', 101)), true)
  assert.equal(passes(status('NE', 101)), false)
  assert.equal(passes(status('EQ', 0), { responseCode: 0 }), true, 'no answer counts as 0')
  assert.equal(passes({ kind: 'duration', comparison: { op: 'GE', value: 8100 } }), true)
  assert.equal(passes({ kind: 'duration', comparison: { op: 'GE', value: 8101 } }), false)
})

test('health checks can be left out', () => {
  assert.equal(passes({ kind: 'not-health-check' }), true)
  assert.equal(passes({ kind: 'not-health-check' }, { healthCheck: true }), false)
})

test('flags: any, or one of a list', () => {
  assert.equal(passes({ kind: 'flags', flags: [] }), false)
  assert.equal(passes({ kind: 'flags', flags: [] }, { flags: ['UF'] }), true)
  assert.equal(passes({ kind: 'flags', flags: ['UO', 'UF'] }, { flags: ['UF'] }), true)
  assert.equal(passes({ kind: 'flags', flags: ['UO'] }, { flags: ['UF'] }), false)
})

test('types are taken or left out', () => {
  assert.equal(passes({ kind: 'type', types: ['DownstreamEnd'], exclude: false }), true)
  assert.equal(passes({ kind: 'type', types: ['DownstreamEnd'], exclude: true }), false)
  assert.equal(passes({ kind: 'type', types: ['DownstreamStart'], exclude: true }), true)
})

test('a header decides, and an unparsed request has none', () => {
  const filter: LogFilter = {
    kind: 'header',
    header: {
      name: 'x-log',
      test: { kind: 'string', match: { kind: 'exact', value: 'yes', ignoreCase: false } },
      invert: false,
      treatMissingAsEmpty: false,
    },
  }
  assert.equal(passes(filter, { request: requestHead(['x-log', 'yes']) }), true)
  assert.equal(passes(filter, { request: requestHead(['x-log', 'no']) }), false)
  assert.equal(passes(filter), false)
  assert.equal(passes(filter, { request: undefined }), false)
})

test('gRPC status from the answer, else from the HTTP status', () => {
  const notFound: LogFilter = { kind: 'grpc-status', statuses: [5], exclude: false }
  assert.equal(passes(notFound, { responseTrailers: new HeaderList(['grpc-status', '5']) }), true)
  assert.equal(passes({ kind: 'grpc-status', statuses: [14], exclude: false }, { responseCode: 503 }), true)
  assert.equal(passes({ kind: 'grpc-status', statuses: [14], exclude: true }, { responseCode: 503 }), false)
})

describe('sampling', () => {
  test('follows the request id, so that every hop decides alike', () => {
    // 0xdeadbeef % 10000 = 8559, so 85.59 %.
    assert.equal(passes({ kind: 'runtime', percent: 85.6 }), true)
    assert.equal(passes({ kind: 'runtime', percent: 85.5 }), false)
  })

  test('is random without one', () => {
    const facts = exchangeFacts({ request: requestHead([], { headers: new HeaderList() }) })
    assert.equal(logFilter({ kind: 'runtime', percent: 50 }, () => 0.49)(facts), true)
    assert.equal(logFilter({ kind: 'runtime', percent: 50 }, () => 0.5)(facts), false)
    assert.equal(logFilter({ kind: 'runtime', percent: 0 }, () => 0)(facts), false)
    assert.equal(logFilter({ kind: 'runtime', percent: 100 }, () => 0.999)(facts), true)
  })
})

test('and, or', () => {
  const yes: LogFilter = { kind: 'not-health-check' }
  const no: LogFilter = { kind: 'traceable' }
  assert.equal(passes({ kind: 'and', filters: [yes, yes] }), true)
  assert.equal(passes({ kind: 'and', filters: [yes, no] }), false)
  assert.equal(passes({ kind: 'or', filters: [no, yes] }), true)
  assert.equal(passes({ kind: 'or', filters: [no, no] }), false)
})
