// What a cluster answers when it has no endpoint for a request.

/** No endpoint can be used. `code` is the row of the error table, `reason` says why, for the operator. */
export interface NoEndpoint {
  readonly kind: 'none'
  readonly code: 'no_healthy_upstream' | 'dns_resolution_failed' | 'invalid_authority' | 'target_not_allowed'
  readonly reason: string
}

export const none = (code: NoEndpoint['code'], reason: string): NoEndpoint => ({ kind: 'none', code, reason })
