// What a command operator is once compiled: a function from facts to a value. One file per family makes them; the table
// in operators.ts joins the families.

import type { StreamFacts } from './stream-facts.ts'

/** A number stays a number in JSON; undefined = unset: `-` in text, null in JSON. */
export type Value = string | number | undefined

/** Reads one value. Called for each line, so it allocates nothing it does not return. */
export type Evaluator = (facts: StreamFacts) => Value

/** Makes the evaluator of one use of an operator; `argument` is what stood in the parentheses, '' when nothing did. */
export type Operator = (argument: string) => Evaluator

/** Operators of one family by name, upper case, aliases resolved. */
export type OperatorFamily = Readonly<Record<string, Operator>>

/** An operator that takes no argument. */
export const plain =
  (evaluate: Evaluator): Operator =>
  () =>
    evaluate

/** '' counts as unset: facts use it for "not known". */
export const known = (text: string | undefined): string | undefined => (text === '' ? undefined : text)
