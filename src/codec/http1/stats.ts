// Counters of the HTTP/1 codec under Envoy's `http1.*` names; plain numbers, read by whoever publishes them.

/** One set per connection manager or cluster, shared by its connections. */
export interface Http1Stats {
  dropped_headers_with_underscores: number
  metadata_not_supported_error: number
  requests_rejected_with_underscores_in_headers: number
  response_flood: number
}

/** A set that starts at zero. */
export const http1Stats = (): Http1Stats => ({
  dropped_headers_with_underscores: 0,
  metadata_not_supported_error: 0,
  requests_rejected_with_underscores_in_headers: 0,
  response_flood: 0,
})
