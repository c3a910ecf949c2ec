// What an unquoted YAML scalar means to Envoy, which reads YAML with yaml-cpp: a wide sense of booleans, integers in
// decimal, hexadecimal and octal, and everything else as text (spec: dependencies §2.5).

import type { Scalar } from './tree.ts'

const TRUE = new Set(['y', 'yes', 'true', 'on'])
const FALSE = new Set(['n', 'no', 'false', 'off'])
const NULL = new Set(['', '~', 'null', 'Null', 'NULL'])
const INTEGER = /^[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/

/** Largest integer that stays a number; beyond it Envoy keeps the text. */
const INT32_MAX = 2 ** 31 - 1

/** The value of a scalar that was written without quotes. */
export function plainScalar(text: string): Scalar {
  if (NULL.has(text)) return null
  const boolean = booleanOf(text)
  if (boolean !== undefined) return boolean
  if (!INTEGER.test(text)) return text
  const value = integerOf(text)
  return value >= -INT32_MAX - 1 && value <= INT32_MAX ? value : decimalText(text, value)
}

/** yaml-cpp takes each word in lower case, upper case and capitalised, but not mixed (`tRUE`). */
function booleanOf(text: string): boolean | undefined {
  if (text.length > 5) return undefined
  const lower = text.toLowerCase()
  if (!TRUE.has(lower) && !FALSE.has(lower)) return undefined
  const capitalised = lower.charAt(0).toUpperCase() + lower.slice(1)
  return text === lower || text === lower.toUpperCase() || text === capitalised ? TRUE.has(lower) : undefined
}

function integerOf(text: string): number {
  const negative = text.startsWith('-')
  const digits = /^[+-]/.test(text) ? text.slice(1) : text
  const base = /^0[xX]/.test(digits) ? 16 : digits.startsWith('0') ? 8 : 10
  const value = Number.parseInt(base === 16 ? digits.slice(2) : digits, base)
  return negative ? -value : value
}

/** Big hexadecimal and octal numbers become decimal text, so that 64-bit fields can take them. */
const decimalText = (text: string, value: number): string =>
  /^[+-]?0/.test(text) && Number.isSafeInteger(value) ? String(value) : text
