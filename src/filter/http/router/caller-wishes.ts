// What a trusted caller asks of the router in x-envoy-* headers of its request: retries and timeouts. Only requests that
// the connection manager called internal are read; the headers go no further (docs "HTTP router filter", request headers).

import type { HeaderList } from '../../../codec/header-list.ts'
import { RETRY_CONDITIONS, type RetryCondition } from '../../../config/model/retry.ts'

export interface CallerWishes {
  /** Besides the policy's. */
  readonly on: readonly RetryCondition[]
  readonly retries: number | undefined
  readonly statuses: readonly number[]
  /** Response headers whose presence is a reason; lower case. */
  readonly headerNames: readonly string[]
  /** In place of the route timeout; 0 = off. */
  readonly timeoutMs: number | undefined
  readonly perTryTimeoutMs: number | undefined
}

/** Tries that a caller may ask for; the circuit breaker and the route timeout bound them further. */
const MAX_RETRIES = 100
/** Names and statuses that one header may list. */
const MAX_LISTED = 100

const NAMES = [
  'retry-on',
  'retry-grpc-on',
  'max-retries',
  'retriable-status-codes',
  'retriable-header-names',
  'upstream-rq-timeout-ms',
  'upstream-rq-per-try-timeout-ms',
]

/** Reads the wishes and removes their headers; undefined when there are none. `prefix`: `x-envoy` or its replacement. */
export function takeWishes(headers: HeaderList, prefix: string): CallerWishes | undefined {
  const start = `${prefix}-`
  if (
    !headers.fields.some((text, i) => i % 2 === 0 && text.startsWith(start) && NAMES.includes(text.slice(start.length)))
  )
    return undefined
  const take = (name: string): string => {
    const value = headers.getAll(start + name) ?? ''
    headers.remove(start + name)
    return value
  }
  return {
    on: [...conditions(take('retry-on'), false), ...conditions(take('retry-grpc-on'), true)],
    retries: capped(number(take('max-retries'))),
    statuses: list(take('retriable-status-codes')).flatMap((text) => number(text) ?? []),
    headerNames: list(take('retriable-header-names')).map((name) => name.toLowerCase()),
    timeoutMs: number(take('upstream-rq-timeout-ms')),
    perTryTimeoutMs: number(take('upstream-rq-per-try-timeout-ms')),
  }
}

const list = (text: string): readonly string[] =>
  text
    .split(',', MAX_LISTED)
    .map((part) => part.trim())
    .filter((part) => part !== '')

const GRPC: ReadonlySet<string> = new Set<RetryCondition>([
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
])

const isCondition = (text: string): text is RetryCondition => RETRY_CONDITIONS.some((condition) => condition === text)

/** Unknown words are skipped, as in Envoy. */
const conditions = (text: string, grpc: boolean): readonly RetryCondition[] =>
  list(text)
    .filter(isCondition)
    .filter((condition) => GRPC.has(condition) === grpc)

const number = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined)
const capped = (retries: number | undefined): number | undefined =>
  retries === undefined ? undefined : Math.min(retries, MAX_RETRIES)
