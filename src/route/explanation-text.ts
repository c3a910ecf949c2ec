// Bits of the sentences that explain a refusal: they reach a response header, so they are printable and bounded.

import { placeHint } from '../config/model/place.ts'
import type { Route } from '../config/model/route.ts'
import { describePathMatch } from './path-matcher.ts'

/** Characters of a client's own text that are repeated back. */
const QUOTED_LENGTH = 80
/** Characters of a whole explanation; it travels in a header. */
const EXPLANATION_LENGTH = 480
/** Names listed before "and N more". */
const LISTED = 5

/** A text from the request or configuration in quotes, cut and without anything a header could not carry. */
export function quoted(text: string): string {
  const cut = text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}…` : text
  return `"${printable(cut)}"`
}

/** The whole explanation, cut. */
export function bounded(text: string): string {
  return printable(text.length > EXPLANATION_LENGTH ? `${text.slice(0, EXPLANATION_LENGTH)}…` : text)
}

/** `a, b, c and 4 more`; only the shown ones are described, because tables are large and misses are cheap to cause. */
export function listed<T>(items: readonly T[], describe: (item: T) => string): string {
  const shown = items.slice(0, LISTED).map(describe).join(', ')
  return items.length > LISTED ? `${shown} and ${items.length - LISTED} more` : shown
}

/** A route as an operator finds it: its name or its path match, and its line. */
export function describeRoute(route: Route): string {
  const what = route.name === '' ? describePathMatch(route.match.path) : `route ${quoted(route.name)}`
  return `${what} (${placeHint(route.place)})`
}

const printable = (text: string): string => text.replaceAll('…', '...').replace(/[^\x20-\x7e]/g, '?')
