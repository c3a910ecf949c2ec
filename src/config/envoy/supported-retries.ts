// What Sluice takes of Envoy's messages for retries and mirrored requests.

import { fields, ROUTE, type Row } from './support-row.ts'

const RETRY = 'envoy.extensions.retry.'

export const RETRY_ROWS: Record<string, Row> = {
  [`${ROUTE}RetryPolicy`]: fields(
    `retry_on num_retries per_try_timeout per_try_idle_timeout retry_priority retry_host_predicate
     host_selection_retry_max_attempts retriable_status_codes retry_back_off rate_limited_retry_back_off
     retriable_headers retriable_request_headers`,
  ),
  [`${ROUTE}RetryPolicy.RetryBackOff`]: fields('base_interval max_interval'),
  [`${ROUTE}RetryPolicy.RateLimitedRetryBackOff`]: fields('reset_headers max_interval'),
  [`${ROUTE}RetryPolicy.ResetHeader`]: fields('name format'),
  [`${ROUTE}RetryPolicy.RetryHostPredicate`]: fields('name typed_config'),
  [`${ROUTE}RetryPolicy.RetryPriority`]: fields('name typed_config'),
  [`${RETRY}host.previous_hosts.v3.PreviousHostsPredicate`]: fields(''),
  [`${RETRY}host.omit_canary_hosts.v3.OmitCanaryHostsPredicate`]: fields(''),
  [`${RETRY}host.omit_host_metadata.v3.OmitHostMetadataConfig`]: fields('metadata_match'),
  [`${RETRY}priority.previous_priorities.v3.PreviousPrioritiesConfig`]: fields('update_frequency'),
  [`${ROUTE}RouteAction.RequestMirrorPolicy`]: fields(
    `cluster cluster_header runtime_fraction disable_shadow_host_suffix_append request_headers_mutations
     host_rewrite_literal`,
    { trace_sampled: 'there is no tracing' },
  ),
}
