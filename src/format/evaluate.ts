// Evaluates format strings of header values and rewrites against one exchange, compiling each template once.

import type { FormatTemplate } from '../config/model/format-template.ts'
import { compile, type Formatter } from './compile.ts'
import type { StreamFacts } from './stream-facts.ts'

const compiled = new WeakMap<FormatTemplate, Formatter>()

/** The text of `template` for `facts`; '' when it is unset. */
export function evaluate(template: FormatTemplate, facts: StreamFacts): string {
  let formatter = compiled.get(template)
  if (formatter === undefined) {
    formatter = compile(template)
    compiled.set(template, formatter)
  }
  return formatter(facts) ?? ''
}
