// Retries and mirroring.

import type { MirrorPolicy, RetryPolicy } from '../model/retry.ts'
import { headerOption } from './header-mutation.ts'
import { duration, extension, fields, type Fields, fractionalPercent, listOf, optional, unless } from './json.ts'
import { headerMatcher } from './string-match.ts'

const PREDICATES = 'envoy.extensions.retry.host.'

/** config.route.v3.RetryPolicy. */
export const retryPolicy = (policy: RetryPolicy): Fields =>
  fields({
    retry_on: [...policy.on].join(','),
    num_retries: policy.retries,
    per_try_timeout: optional(policy.perTryTimeoutMs),
    per_try_idle_timeout: optional(policy.perTryIdleTimeoutMs),
    retry_back_off: { base_interval: duration(policy.backoff.baseMs), max_interval: duration(policy.backoff.maxMs) },
    rate_limited_retry_back_off: policy.rateLimited && {
      reset_headers: policy.rateLimited.headers.map(({ name, format }) => ({
        name,
        format: format === 'unix' ? 'UNIX_TIMESTAMP' : 'SECONDS',
      })),
      max_interval: duration(policy.rateLimited.maxMs),
    },
    retriable_status_codes: listOf([...policy.statuses], (status) => status),
    retriable_headers: listOf(policy.headers, headerMatcher),
    retriable_request_headers: listOf(policy.requestHeaders, headerMatcher),
    retry_host_predicate: listOf(predicates(policy), (each) => each),
    retry_priority:
      policy.previousPrioritiesEvery === undefined
        ? undefined
        : extension(
            'envoy.retry_priorities.previous_priorities',
            'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
            { update_frequency: policy.previousPrioritiesEvery },
          ),
    host_selection_retry_max_attempts: unless(policy.hostSelectionAttempts, 1),
  })

function predicates({ avoid }: RetryPolicy): readonly Fields[] {
  const list: Fields[] = []
  if (avoid.previousHosts)
    list.push(
      extension('envoy.retry_host_predicates.previous_hosts', `${PREDICATES}previous_hosts.v3.PreviousHostsPredicate`),
    )
  if (avoid.canaries)
    list.push(
      extension(
        'envoy.retry_host_predicates.omit_canary_hosts',
        `${PREDICATES}omit_canary_hosts.v3.OmitCanaryHostsPredicate`,
      ),
    )
  if (avoid.metadata !== undefined)
    list.push(
      extension(
        'envoy.retry_host_predicates.omit_host_metadata',
        `${PREDICATES}omit_host_metadata.v3.OmitHostMetadataConfig`,
        { metadata_match: { filter_metadata: { 'envoy.lb': Object.fromEntries(avoid.metadata) } } },
      ),
    )
  return list
}

/** RouteAction.RequestMirrorPolicy. */
export const mirrorPolicy = (mirror: MirrorPolicy): Fields =>
  fields({
    [mirror.cluster.kind === 'header' ? 'cluster_header' : 'cluster']: mirror.cluster.name,
    runtime_fraction:
      mirror.fraction === 1 ? undefined : { runtime_key: 'sluice', default_value: fractionalPercent(mirror.fraction) },
    disable_shadow_host_suffix_append: unless(!mirror.shadowSuffix, false),
    request_headers_mutations: listOf(mirrorMutations(mirror), (each) => each),
    host_rewrite_literal: unless(mirror.hostRewrite, ''),
  })

const mirrorMutations = ({ mutations: { add, remove } }: MirrorPolicy): readonly Fields[] => [
  ...add.map((each) => ({ append: headerOption(each) })),
  ...remove.map((name) => ({ remove: name })),
]
