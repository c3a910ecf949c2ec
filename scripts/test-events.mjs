// The node:test reporter inside each test process: one JSON line per finished test, read by scripts/test.mjs.
import { inspect } from 'node:util'

/**
 * @typedef {{ name: string, outcome: 'passed' | 'failed' | 'skipped', detail: string }} TestOutcome
 */

/** @param {AsyncIterable<import('node:test/reporters').TestEvent>} events */
export default async function* testEvents(events) {
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const outcome = outcomeOf(event)
    if (outcome !== undefined) yield `${JSON.stringify(outcome)}\n`
  }
}

/**
 * Undefined for what is not a test of its own: a suite, or an outer test that failed because an inner one did.
 *
 * @param {Extract<import('node:test/reporters').TestEvent, { type: 'test:pass' | 'test:fail' }>} event
 * @returns {TestOutcome | undefined}
 */
function outcomeOf(event) {
  const { name, details, skip, todo } = event.data
  if (skip !== undefined || todo !== undefined) {
    const reason = skip ?? todo
    return { name, outcome: 'skipped', detail: typeof reason === 'string' ? reason : '' }
  }
  if (event.type === 'test:fail') {
    const { error } = event.data.details
    if ('failureType' in error && error.failureType === 'subtestsFailed') return undefined
    return { name, outcome: 'failed', detail: explain(error) }
  }
  return details.type === 'suite' ? undefined : { name, outcome: 'passed', detail: '' }
}

/** @param {Error} error */
function explain(error) {
  const cause = error.cause ?? error
  // Node's own frames say nothing about the failure.
  return inspect(cause)
    .split('\n')
    .filter((line) => !/^\s+at .*node:internal\//.test(line))
    .join('\n')
}
