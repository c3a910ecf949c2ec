// The corpus of malformed and borderline HTTP/1 messages, each with its exact outcome, read whole and byte by byte.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Http1ServerOptions } from '../../../src/codec/http1/options.ts'
import { type GoldenCase, goldenCorpus } from '../../support/golden-corpus.ts'
import { requestOutcome, responseOutcome } from '../../support/http1-outcome.ts'

const file = (name: string): URL => new URL(name, import.meta.url)

function serverOptions(settings: ReadonlyMap<string, string>): Partial<Http1ServerOptions> {
  const options: Record<string, unknown> = {}
  for (const [name, value] of settings) {
    if (name === 'show') continue
    if (name === 'ignoreUpgrade') options[name] = (token: string) => token.toLowerCase() === value
    else
      options[name] = value === 'true' ? true : value === 'false' ? false : /^\d+$/.test(value) ? Number(value) : value
  }
  return options
}

const shown = (settings: ReadonlyMap<string, string>): string[] => settings.get('show')?.split(' ') ?? []

function bothWays(message: GoldenCase, outcome: (chunks: Buffer[]) => string[]): void {
  assert.deepEqual(outcome([message.bytes]), message.expected)
  const single = Array.from(message.bytes, (_byte, i) => message.bytes.subarray(i, i + 1))
  assert.deepEqual(outcome(single), message.expected, 'byte by byte')
}

const requests = goldenCorpus(file('requests.txt'))
for (const message of requests) {
  test(`request: ${message.name}`, () => {
    bothWays(message, (chunks) => requestOutcome(chunks, serverOptions(message.settings), shown(message.settings)))
  })
}

const responses = goldenCorpus(file('responses.txt'))
for (const message of responses) {
  const { settings } = message
  test(`response: ${message.name}`, () => {
    bothWays(message, (chunks) =>
      responseOutcome(chunks, settings.get('asked') ?? 'GET', settings.get('ends') === 'true', shown(settings)),
    )
  })
}

test('the corpus has not lost its cases', () => {
  assert.ok(requests.length >= 150, String(requests.length))
  assert.ok(responses.length >= 60, String(responses.length))
})
