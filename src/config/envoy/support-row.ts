// One message's row in the table of what Sluice takes, as it is written down in supported.ts and its neighbours.

export interface Row {
  /** Names of supported fields, separated by blanks. `name=A|B` takes only these enum values. */
  readonly yes?: string
  readonly noEffect?: Readonly<Record<string, string>>
  /** Refused like every field that is not listed, but with a hint on what to do. */
  readonly refused?: Readonly<Record<string, string>>
}

/** A row: what is taken, what has no effect and why, what is refused with a hint. */
export function fields(
  yes: string,
  noEffect: Readonly<Record<string, string>> = {},
  refused: Readonly<Record<string, string>> = {},
): Row {
  return { yes, noEffect, refused }
}

export const CORE = 'envoy.config.core.v3.'
export const ROUTE = 'envoy.config.route.v3.'
export const FILTER = 'envoy.extensions.filters.http.'

export const MUTATIONS_OF_REQUESTS = 'request_headers_to_add request_headers_to_remove'
export const INFORMATION = 'information for other tools'
export const RUNTIME = 'there are no runtime layers; the default value holds'
