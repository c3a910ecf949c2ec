// Compiles a JSON log format into a function that prints one object: keys sorted, numbers as numbers, unset as null.

import type { JsonFormat } from '../config/model/access-log.ts'
import type { FormatTemplate } from '../config/model/format-template.ts'
import { readable } from '../core/printable.ts'
import { compileValue, UNSET } from './compile.ts'
import type { StreamFacts } from './stream-facts.ts'

export interface JsonOptions {
  /** Leaves out members whose value is unset. */
  readonly omitEmpty: boolean
  /** Numbers stay numbers and unset is null; otherwise everything is text and unset is `-`. */
  readonly typed: boolean
}

/** JSON text without a line end. */
export function compileJson(format: JsonFormat, options: JsonOptions): (facts: StreamFacts) => string {
  const print = compileObject(format, options)
  return (facts) => print(facts) ?? '{}'
}

/** Whether a node of a format is a format string rather than a nested object. */
export const isTemplate = (node: FormatTemplate | JsonFormat): node is FormatTemplate =>
  typeof node['source'] === 'string' && Array.isArray(node['parts'])

type Node = JsonFormat[string]
/** JSON text; undefined when there is nothing to say. */
type Printer = (facts: StreamFacts) => string | undefined

function compileNode(node: Node, options: JsonOptions): Printer {
  if (typeof node !== 'object' || node === null) {
    const text = JSON.stringify(node)
    return () => text
  }
  if (isList(node)) return compileList(node, options)
  return isTemplate(node) ? compileTemplate(node, options) : compileObject(node, options)
}

const isList = (
  node: Exclude<Node, string | number | boolean | null>,
): node is readonly (FormatTemplate | JsonFormat)[] => Array.isArray(node)

function compileTemplate(template: FormatTemplate, { typed }: JsonOptions): Printer {
  const read = compileValue(template, UNSET)
  return (facts) => {
    const value = read(facts)
    if (value === undefined) return typed ? undefined : `"${UNSET}"`
    return typeof value === 'number' && typed ? jsonNumber(value) : jsonText(String(value))
  }
}

function compileObject(format: JsonFormat, options: JsonOptions): Printer {
  const members = Object.keys(format)
    .sort()
    .map((key) => ({ key: `${JSON.stringify(key)}:`, print: compileNode(format[key] ?? null, options) }))
  return (facts) => {
    let text = ''
    for (const { key, print } of members) {
      const value = print(facts)
      if (value === undefined && options.omitEmpty) continue
      text += `${text === '' ? '' : ','}${key}${value ?? 'null'}`
    }
    return `{${text}}`
  }
}

/** Places in a list keep their meaning, so an unset one is null even when empty members are left out. */
function compileList(list: readonly (FormatTemplate | JsonFormat)[], options: JsonOptions): Printer {
  const printers = list.map((node) => compileNode(node, options))
  return (facts) => `[${printers.map((print) => print(facts) ?? 'null').join(',')}]`
}

const jsonNumber = (value: number): string => (Number.isFinite(value) ? String(value) : 'null')

/** Characters that end a line for some readers although JSON lets them stand. */
const LINE_SEPARATORS = /[\u2028\u2029\u0085]/g

const jsonText = (text: string): string =>
  JSON.stringify(readable(text)).replace(
    LINE_SEPARATORS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
