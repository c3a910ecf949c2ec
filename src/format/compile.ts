// Compiles a parsed format string into a function of the facts. Header values, rewrites and bodies use `compile`; log
// lines use `compileLine`, whose values cannot forge a line; JSON logs are in compile-json.ts.

import type { FormatTemplate } from '../config/model/format-template.ts'
import { printable, readable } from '../core/printable.ts'
import type { Evaluator, Value } from './operator.ts'
import { evaluatorOf } from './operators.ts'
import type { StreamFacts } from './stream-facts.ts'

/** Prints a template; undefined when it is one operator and that is unset. */
export type Formatter = (facts: StreamFacts) => string | undefined

/** What Envoy prints for an unset operator. */
export const UNSET = '-'

/**
 * Values as they are, without escaping. Inside a longer template an unset operator prints `unset`, which is nothing for
 * header values, as in Envoy.
 */
export function compile(template: FormatTemplate, unset = ''): Formatter {
  const value = compileValue(template, unset)
  return (facts) => {
    const result = value(facts)
    return typeof result === 'number' ? String(result) : result
  }
}

/** One text log line: unset prints `-`, or nothing with `omitEmpty`; control characters in values are escaped. */
export function compileLine(template: FormatTemplate, omitEmpty: boolean): (facts: StreamFacts) => string {
  const unset = omitEmpty ? '' : UNSET
  const print = join(piecesOf(template), (value) => (value === undefined ? unset : logText(value)))
  return print
}

/** The value of a template: a lone operator keeps its type and may be unset, a longer one is text. */
export function compileValue(template: FormatTemplate, unset: string): Evaluator {
  const [only, ...more] = piecesOf(template)
  if (only === undefined) return () => ''
  if (more.length === 0) return typeof only === 'string' ? () => only : only
  return join([only, ...more], (value) => (value === undefined ? unset : String(value)))
}

/** A value for people: readable, on one line. */
export const logText = (value: string | number): string =>
  typeof value === 'number' ? String(value) : printable(readable(value))

type Piece = string | Evaluator

function piecesOf(template: FormatTemplate): Piece[] {
  return template.parts.map((part) =>
    part.kind === 'text' ? part.text : evaluatorOf(part.name, part.argument, part.maxLength),
  )
}

function join(pieces: readonly Piece[], text: (value: Value) => string): (facts: StreamFacts) => string {
  return (facts) => {
    let line = ''
    for (const piece of pieces) line += typeof piece === 'string' ? piece : text(piece(facts))
    return line
  }
}
