// When and how often a request is tried again. Envoy: config.route.v3.RetryPolicy.

import { isMessage } from '@bufbuild/protobuf'
import { nearestName } from '../model/nearest-name.ts'
import { RETRY_CONDITIONS, type RetryCondition, type RetryPolicy } from '../model/retry.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { milliseconds, timeout } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerMetadata } from './lower-metadata.ts'
import { lowerHeaderMatch } from './lower-string-match.ts'
import {
  OmitCanaryHostsSchema,
  OmitHostMetadataSchema,
  PreviousHostsSchema,
  PreviousPrioritiesSchema,
  RetryPolicy_ResetHeaderFormat as Format,
  type RetryPolicy as Message,
  type RetryPolicy_RateLimitedRetryBackOff as RateLimitedMessage,
} from './messages.ts'

const DEFAULT_BACKOFF = { baseMs: 25, maxMs: 250 }
/** Of rate_limited_retry_back_off. */
const DEFAULT_LONGEST_PAUSE_MS = 300_000

/** undefined when there is none. */
export function lowerRetryPolicy(loading: Loading, message: Message | undefined, spot: Spot): RetryPolicy | undefined {
  if (message === undefined) return undefined
  const on = lowerConditions(loading, message.retryOn, spot.field('retry_on'))
  warnOfUnused(loading, message, on, spot)
  const headers = (name: 'retriable_headers' | 'retriable_request_headers'): RetryPolicy['headers'] =>
    each(
      name === 'retriable_headers' ? message.retriableHeaders : message.retriableRequestHeaders,
      spot.field(name),
      (header, at) => lowerHeaderMatch(loading, header, at),
    )
  return {
    on,
    retries: message.numRetries ?? 1,
    perTryTimeoutMs: timeout(message.perTryTimeout, undefined),
    perTryIdleTimeoutMs: timeout(message.perTryIdleTimeout, undefined),
    backoff: { ...lowerBackoff(loading, message, spot.field('retry_back_off')), kind: 'jittered', randomization: 0 },
    rateLimited: lowerRateLimited(message.rateLimitedRetryBackOff),
    statuses: new Set(message.retriableStatusCodes),
    headers: headers('retriable_headers'),
    requestHeaders: headers('retriable_request_headers'),
    avoid: lowerPredicates(loading, message, spot.field('retry_host_predicate')),
    hostSelectionAttempts: Math.max(1, Number(message.hostSelectionRetryMaxAttempts)),
    previousPrioritiesEvery: lowerPriority(loading, message, spot.field('retry_priority')),
    place: spot.place,
  }
}

/** Envoy passes over words that it does not know. */
function lowerConditions(loading: Loading, text: string, spot: Spot): ReadonlySet<RetryCondition> {
  const on = new Set<RetryCondition>()
  for (const word of text.split(',').map((part) => part.trim())) {
    if (word === '') continue
    const condition = RETRY_CONDITIONS.find((known) => known === word)
    if (condition !== undefined) {
      on.add(condition)
      continue
    }
    const nearest = nearestName(word, RETRY_CONDITIONS)
    loading.warning(
      spot,
      `"${word}" is no reason to retry, as in Envoy it has no effect`,
      nearest === undefined ? `known: ${RETRY_CONDITIONS.join(', ')}` : `did you mean "${nearest}"?`,
    )
  }
  return on
}

function warnOfUnused(loading: Loading, message: Message, on: ReadonlySet<RetryCondition>, spot: Spot): void {
  if (message.retriableStatusCodes.length > 0 && !on.has('retriable-status-codes'))
    loading.warning(spot.field('retriable_status_codes'), 'has no effect', 'add retriable-status-codes to retry_on')
  if (message.retriableHeaders.length > 0 && !on.has('retriable-headers'))
    loading.warning(spot.field('retriable_headers'), 'has no effect', 'add retriable-headers to retry_on')
}

function lowerBackoff(
  loading: Loading,
  { retryBackOff: message }: Message,
  spot: Spot,
): { readonly baseMs: number; readonly maxMs: number } {
  // Without base_interval the rules have already said so.
  if (message?.baseInterval === undefined) return DEFAULT_BACKOFF
  // As in Envoy, whose clock knows no less than a millisecond.
  const baseMs = Math.max(1, milliseconds(message.baseInterval))
  const maxMs = message.maxInterval === undefined ? baseMs * 10 : Math.max(1, milliseconds(message.maxInterval))
  if (maxMs < baseMs)
    loading.error(
      spot.field('max_interval'),
      'retry_policy.max_interval must greater than or equal to the base_interval',
      'leave max_interval out for ten times base_interval',
    )
  return { baseMs, maxMs }
}

function lowerRateLimited(message: RateLimitedMessage | undefined): RetryPolicy['rateLimited'] {
  if (message === undefined) return undefined
  return {
    headers: message.resetHeaders.map(({ name, format }) => ({
      name: name.toLowerCase(),
      format: format === Format.SECONDS ? 'seconds' : 'unix',
    })),
    maxMs: message.maxInterval === undefined ? DEFAULT_LONGEST_PAUSE_MS : milliseconds(message.maxInterval),
  }
}

function lowerPredicates(
  loading: Loading,
  { retryHostPredicate: predicates }: Message,
  spot: Spot,
): RetryPolicy['avoid'] {
  let previousHosts = false
  let canaries = false
  let metadata: ReadonlyMap<string, string> | undefined
  for (const [index, { name, configType }] of predicates.entries()) {
    const config = loading.unpack(configType.value)
    if (isMessage(config, PreviousHostsSchema)) previousHosts = true
    else if (isMessage(config, OmitCanaryHostsSchema)) canaries = true
    else if (isMessage(config, OmitHostMetadataSchema))
      metadata = lowerMetadata(config.metadataMatch)?.get('envoy.lb') ?? metadata
    else if (configType.case === undefined || config !== undefined)
      loading.error(spot.at(index), `Didn't find a registered implementation for '${name}'`, KNOWN_PREDICATES)
  }
  return { previousHosts, canaries, metadata }
}

const KNOWN_PREDICATES = 'typed_config: PreviousHostsPredicate, OmitCanaryHostsPredicate or OmitHostMetadataConfig'

function lowerPriority(loading: Loading, { retryPriority }: Message, spot: Spot): number | undefined {
  if (retryPriority === undefined) return undefined
  const config = loading.unpack(retryPriority.configType.value)
  if (isMessage(config, PreviousPrioritiesSchema)) return config.updateFrequency
  if (retryPriority.configType.case === undefined || config !== undefined)
    loading.error(
      spot,
      `Didn't find a registered implementation for '${retryPriority.name}'`,
      'typed_config: PreviousPrioritiesConfig',
    )
  return undefined
}
