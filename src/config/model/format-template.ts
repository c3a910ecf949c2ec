// A format string (`"%REQ(:METHOD)% %PROTOCOL%"`), parsed: plain data that src/format evaluates.
// Used by access logs, header mutations, host and path rewrites, direct response bodies.

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'operator'
      /** Upper case, without `%`; aliases resolved (`REQ` → `REQUEST_HEADER`). */
      readonly name: string
      /** What stood in the parentheses; '' when there were none. */
      readonly argument: string
      /** `:Z`; undefined when not given. */
      readonly maxLength: number | undefined
    }

export interface FormatTemplate {
  readonly source: string
  readonly parts: readonly TemplatePart[]
}
