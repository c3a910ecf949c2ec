// The scalars of Easegress objects as schemas. The text keeps what was written: a name may look like a number, and
// `yes` is a word where text is wanted and true where a switch is.

import { z } from 'zod'
import { compileSearch, isRegex } from '../source/regex.ts'
import { nearestName } from '../model/nearest-name.ts'
import type { WholeRegex } from '../model/string-match.ts'
import type { SourceNode } from '../source/tree.ts'
import { durationMs } from './duration.ts'

/** A number or truth value with the text that stood there. */
export class Written {
  readonly value: number | boolean
  readonly text: string

  constructor(value: number | boolean, text: string) {
    this.value = value
    this.text = text
  }
}

/** The data of a tree for the schemas: numbers and truth values as {@link Written}; what is null is left out. */
export function written(node: SourceNode | undefined): unknown {
  if (node === undefined) return undefined
  switch (node.kind) {
    case 'list':
      return node.items.map(written)
    case 'map':
      return Object.fromEntries(
        [...node.entries].map(([key, entry]) => [key, written(entry.value)]).filter(([, value]) => value !== undefined),
      )
    case 'scalar':
      if (node.value === null) return undefined
      return typeof node.value === 'string' ? node.value : new Written(node.value, node.text)
  }
}

/** The message of an issue about a field that is not there. */
export const MISSING = 'missing'

type Context = z.RefinementCtx

/** Reports, and stands for the value that there is not. */
export function wrong(context: Context, message: string, hint?: string): never {
  context.addIssue({ code: 'custom', message, ...(hint === undefined ? {} : { params: { hint } }) })
  return z.NEVER
}

function scalar<T>(what: string, read: (value: string | Written, context: Context) => T): z.ZodType<T> {
  return z.unknown().transform((value, context): T => {
    if (value === undefined) return wrong(context, MISSING)
    if (typeof value === 'string' || value instanceof Written) return read(value, context)
    return wrong(context, `expected ${what}, found ${Array.isArray(value) ? 'a list' : 'a mapping'}`)
  })
}

const shown = (value: string | Written): string => {
  const text = typeof value === 'string' ? JSON.stringify(value) : value.text
  return text.includes('PRIVATE KEY') ? '[redacted]' : text.length > 60 ? `${text.slice(0, 60)}…` : text
}

const textOf = (value: string | Written): string => (typeof value === 'string' ? value : value.text)

/** Any text; a number or truth value stands for its letters. */
export const text = scalar('text', textOf)

/** Text that is not empty. */
export const name = scalar('text', (value, context) =>
  textOf(value) === '' ? wrong(context, 'must not be empty') : textOf(value),
)

/** `true` or `false`, and YAML's other words for them. */
export const flag = scalar('true or false', (value, context) =>
  value instanceof Written && typeof value.value === 'boolean'
    ? value.value
    : wrong(context, `expected true or false, found ${shown(value)}`),
)

/** A whole number of that range. Numbers that do not fit into 32 bits come as text. */
export const integer = (least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): z.ZodType<number> =>
  scalar('a whole number', (value, context) => {
    const number =
      value instanceof Written && typeof value.value === 'number'
        ? value.value
        : typeof value === 'string' && /^-?\d{10,16}$/.test(value)
          ? Number(value)
          : undefined
    if (number === undefined) {
      const hint = typeof value === 'string' && /^-?\d+$/.test(value) ? 'leave the quotes out' : undefined
      return wrong(context, `expected a whole number, found ${shown(value)}`, hint)
    }
    if (number >= least && number <= most) return number
    return wrong(
      context,
      most === Number.MAX_SAFE_INTEGER ? `must be ${least} or more` : `must be from ${least} to ${most}`,
    )
  })

/** A number with or without a fraction. */
export const fraction = (least: number, most: number): z.ZodType<number> =>
  scalar('a number', (value, context) => {
    const number = /^-?\d+(?:\.\d+)?$/.test(textOf(value)) ? Number(textOf(value)) : Number.NaN
    return number >= least && number <= most ? number : wrong(context, `must be a number from ${least} to ${most}`)
  })

/** Milliseconds of a Go duration. */
export const duration = scalar(
  'a duration',
  (value, context) =>
    durationMs(textOf(value)) ??
    wrong(context, `expected a duration, found ${shown(value)}`, 'such as 500ms, 10s or 1m30s'),
)

/** An expression that is searched for, in RE2 syntax. */
export const regexp = scalar('a regular expression', (value, context): WholeRegex => {
  const regex = compileSearch(textOf(value))
  return isRegex(regex) ? regex : wrong(context, `not a valid regular expression: ${regex.reason}`)
})

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): z.ZodType<T> {
  const list = words.filter((word) => word !== '').join(', ')
  return scalar(`one of ${list}`, (value, context) => {
    const found = words.find((word) => word === textOf(value))
    if (found !== undefined) return found
    const nearest = nearestName(textOf(value), words)
    return wrong(
      context,
      `${shown(value)} is not one of ${list}`,
      nearest === undefined ? undefined : `did you mean ${nearest}?`,
    )
  })
}

/** The nine methods that Easegress knows. */
export const method = oneOf('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE')

/** A path from the root. */
export const rootedPath = scalar('a path', (value, context) =>
  textOf(value).startsWith('/') ? textOf(value) : wrong(context, 'must begin with a slash'),
)

/** Bytes in base64, padded. */
export const base64 = scalar('base64 text', (value, context): Buffer => {
  const plain = textOf(value).replace(/\s+/g, '')
  if (plain === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(plain) || plain.length % 4 !== 0)
    return wrong(context, 'is no base64 text')
  return Buffer.from(plain, 'base64')
})

/** A text by name of a header field; names come out in lower case. */
export const headerMap = z
  .record(z.string(), text)
  .transform((map) => Object.entries(map).map(([key, value]) => [key.toLowerCase(), value] as const))
