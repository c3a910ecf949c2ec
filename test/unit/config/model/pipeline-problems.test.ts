import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineFilter, PipelineStep } from '../../../../src/config/model/pipeline.ts'
import { pipelineProblems } from '../../../../src/config/model/pipeline-problems.ts'
import { NO_HEADERS, place, step } from '../../../support/pipeline-model.ts'
import { forward } from '../../route/build.ts'

const proxy: PipelineFilter = { kind: 'websocket-proxy', action: forward() }
const end: PipelineFilter = { kind: 'end' }
const validator: PipelineFilter = { kind: 'validator', checks: [] }
const fallback: PipelineFilter = { kind: 'fallback', status: 200, headers: [], body: '' }
const adaptor: PipelineFilter = { kind: 'response-adaptor', headers: NO_HEADERS, body: undefined }

const problems = (...steps: readonly PipelineStep[]): readonly string[] =>
  pipelineProblems({ name: 'p', steps, place }).map(({ message }) => message)

test('checks before, answers behind, and two proxies on different ways are fine', () => {
  assert.deepEqual(
    problems(
      step('check', validator, { jumpIf: { invalid: 'other' } }),
      step('one', proxy, { jumpIf: { serverError: 'instead' } }),
      step('mark', adaptor),
      step('end', end),
      step('other', proxy),
      step('stop', end),
      step('instead', fallback),
    ),
    [],
  )
})

test('a second proxy behind the first is a problem, next to it or by a jump', () => {
  assert.match(
    problems(step('one', proxy), step('two', proxy))[0] ?? '',
    /"two".*"one" \(pipeline.yaml:7\): two proxies/,
  )
  const jumped = problems(step('one', proxy, { jumpIf: { serverError: 'two' } }), step('end', end), step('two', proxy))
  assert.equal(jumped.length, 1)
})

test('an END that is jumped over by its own result leads on', () => {
  const through = problems(step('one', proxy), step('end', end, { jumpIf: { '': 'check' } }), step('check', validator))
  assert.match(through[0] ?? '', /works on the request/)
  assert.deepEqual(problems(step('one', proxy), step('end', end), step('check', validator)), [])
})
