// Matchers on strings and headers, compiled. Envoy: type.matcher.v3.StringMatcher, config.route.v3.HeaderMatcher.

/** A linear-time regular expression that must match the whole text (RE2 syntax). */
export interface WholeRegex {
  readonly source: string
  test(text: string): boolean
  /** Replaces every match in `text`; `\1` in `substitution` is a group. */
  replaceAll(text: string, substitution: string): string
}

export type StringMatch =
  | { readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains'; readonly value: string; readonly ignoreCase: boolean }
  | { readonly kind: 'regex'; readonly regex: WholeRegex }

export interface HeaderMatch {
  /** Lower case; `:method`, `:path`, `:authority`, `:scheme` and `host` reach the pseudo-headers. */
  readonly name: string
  readonly test:
    | { readonly kind: 'string'; readonly match: StringMatch }
    | { readonly kind: 'range'; readonly start: number; readonly end: number }
    | { readonly kind: 'present'; readonly present: boolean }
  readonly invert: boolean
  readonly treatMissingAsEmpty: boolean
}

export interface QueryMatch {
  readonly name: string
  readonly test:
    { readonly kind: 'string'; readonly match: StringMatch } | { readonly kind: 'present'; readonly present: boolean }
}
