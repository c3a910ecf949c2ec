// YAML and JSON text into a tree of {@link SourceNode}s. Bounded: text size, nesting, and what aliases may expand to.

import {
  isAlias,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Alias,
  type Document,
  type ParsedNode,
  type Scalar as YamlScalar,
  type YAMLMap,
  type YAMLParseError,
} from 'yaml'
import { plainScalar } from './scalar.ts'
import type { Scalar, SourceEntry, SourceNode, TextPlace } from './tree.ts'

/** What is wrong with the text itself, before any meaning. */
export interface TextProblem {
  readonly place: TextPlace
  readonly message: string
}

export type ParsedText =
  | { readonly kind: 'tree'; readonly root: SourceNode }
  | { readonly kind: 'refused'; readonly problems: readonly TextProblem[] }

/** Nodes that one file may have once its aliases are expanded; beyond it the file is refused. */
export const MAX_NODES = 2_000_000

/** Nesting beyond this is refused, because everything after works by recursion. */
export const MAX_DEPTH = 200

/** Each document of a text by itself: one that is refused does not keep the others away. Empty ones are left out. */
export function parseDocuments(text: string, file: string, format: 'yaml' | 'json'): readonly ParsedText[] {
  const { documents, placeAt } = readDocuments(text, file, format)
  const budget = { nodes: MAX_NODES }
  return documents
    .filter((document) => document.errors.length > 0 || !isEmpty(document))
    .map((document) => {
      const problems = problemsOf(document, placeAt)
      const strict = format === 'json' && problems.length === 0 ? jsonProblem(text, placeAt) : undefined
      if (strict !== undefined) problems.push(strict)
      return problems.length > 0
        ? { kind: 'refused', problems }
        : new TreeBuilder(document, { placeAt, format, budget }).build()
    })
}

/** Such as what follows the last `---` of a file. */
const isEmpty = ({ contents }: Document.Parsed): boolean =>
  contents === null || (isScalar(contents) && contents.source === '' && contents.anchor === undefined)

interface Documents {
  readonly documents: readonly Document.Parsed[]
  readonly placeAt: (offset: number) => TextPlace
}

function readDocuments(text: string, file: string, format: 'yaml' | 'json'): Documents {
  const lines = new LineCounter()
  const documents = parseAllDocuments(text, {
    schema: format === 'json' ? 'json' : 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    version: '1.2',
    logLevel: 'silent',
  })
  const placeAt = (offset: number): TextPlace => {
    const { line, col } = lines.linePos(offset)
    return { file, line: line === 0 ? 1 : line, column: line === 0 ? offset + 1 : col }
  }
  return { documents: 'empty' in documents ? [] : documents, placeAt }
}

/** Parses YAML, or JSON when `format` says so. `file` is the name shown in places. */
export function parseText(text: string, file: string, format: 'yaml' | 'json'): ParsedText {
  const { documents, placeAt } = readDocuments(text, file, format)
  const first = documents[0]
  if (first === undefined) return { kind: 'tree', root: { kind: 'map', place: placeAt(0), entries: new Map() } }
  const problems = problemsOf(first, placeAt)
  const strict = format === 'json' && problems.length === 0 ? jsonProblem(text, placeAt) : undefined
  if (strict !== undefined) problems.push(strict)
  const second = documents[1]
  if (second !== undefined) {
    problems.push({ place: placeAt(second.range[0]), message: 'a second YAML document; one file holds one' })
  }
  if (problems.length > 0) return { kind: 'refused', problems }
  return new TreeBuilder(first, { placeAt, format, budget: { nodes: MAX_NODES } }).build()
}

/** Faults of one text that are told; a text that is no YAML at all has one at every character. */
const MAX_PROBLEMS = 20

/** The library works by recursion and says so when the stack ends; what it says after that means nothing. */
function problemsOf(document: Document.Parsed, placeAt: (offset: number) => TextPlace): TextProblem[] {
  const deep = document.errors.find((error) => error.message.includes('call stack'))
  if (deep !== undefined) return [{ place: placeAt(deep.pos[0]), message: `nested more than ${MAX_DEPTH} levels deep` }]
  return document.errors
    .filter(isNoEcho)
    .slice(0, MAX_PROBLEMS)
    .map((error) => ({ place: placeAt(error.pos[0]), message: sentence(error.message) }))
}

/** Everything below one wrong indentation is wrongly indented, too: only the first is told. */
function isNoEcho({ code }: YAMLParseError, index: number, all: readonly YAMLParseError[]): boolean {
  return (
    code !== 'BAD_INDENT' ||
    all.findIndex((other) => other.code === 'BAD_INDENT' || other.code === 'TAB_AS_INDENT') === index
  )
}

/** The library's sentence without its capital letter and full stop, as ours are written. */
function sentence(message: string): string {
  if (message === 'Map keys must be unique') return 'the key stands twice in this mapping'
  if (message.startsWith('Implicit keys need'))
    return 'this line is no "key: value"; is the space after a colon missing?'
  const line = message.split('\n')[0] ?? message
  return line.charAt(0).toLowerCase() + line.slice(1)
}

/** JSON is stricter than the YAML that contains it: no comments, no trailing commas, no unquoted words. */
function jsonProblem(text: string, placeAt: (offset: number) => TextPlace): TextProblem | undefined {
  try {
    JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : 'not valid'
    const at = /position (\d+)/.exec(message)?.[1]
    return {
      place: placeAt(at === undefined ? 0 : Number(at)),
      message: `not valid JSON: ${message.split(' in JSON')[0] ?? ''}`,
    }
  }
}

/** Thrown inside the builder only, to leave the recursion. */
class Refusal extends Error {
  readonly place: TextPlace

  constructor(place: TextPlace, message: string) {
    super(message)
    this.place = place
  }
}

interface Building {
  readonly placeAt: (offset: number) => TextPlace
  readonly format: 'yaml' | 'json'
  /** Of all documents of the file together. */
  readonly budget: { nodes: number }
}

class TreeBuilder {
  private readonly document: Document.Parsed
  private readonly placeAt: (offset: number) => TextPlace
  private readonly format: 'yaml' | 'json'
  private readonly budget: { nodes: number }
  private readonly openAliases = new Set<unknown>()
  private readonly anchors = new Map<string, ParsedNode>()

  constructor(document: Document.Parsed, { placeAt, format, budget }: Building) {
    this.document = document
    this.placeAt = placeAt
    this.format = format
    this.budget = budget
  }

  build(): ParsedText {
    try {
      const contents = this.document.contents
      const root: SourceNode =
        contents === null ? { kind: 'map', place: this.placeAt(0), entries: new Map() } : this.node(contents, 0)
      return { kind: 'tree', root }
    } catch (error) {
      if (error instanceof Refusal)
        return { kind: 'refused', problems: [{ place: error.place, message: error.message }] }
      throw error
    }
  }

  private node(node: ParsedNode, depth: number): SourceNode {
    const place = this.placeAt(node.range[0])
    if (depth > MAX_DEPTH) throw new Refusal(place, `nested more than ${MAX_DEPTH} levels deep`)
    if (--this.budget.nodes < 0) throw new Refusal(place, 'the aliases of this file expand to too much')
    if (isAlias(node)) return this.alias(node, place, depth)
    if ('anchor' in node && node.anchor !== undefined) this.anchors.set(node.anchor, node)
    if (isScalar(node)) return { kind: 'scalar', place, value: this.scalar(node), text: node.source }
    if (isSeq(node)) {
      return { kind: 'list', place, items: node.items.map((item) => this.node(item, depth + 1)) }
    }
    return { kind: 'map', place, entries: this.entries(node, depth) }
  }

  private alias(alias: Alias.Parsed, place: TextPlace, depth: number): SourceNode {
    const target = this.anchors.get(alias.source)
    if (target === undefined) throw new Refusal(place, `no anchor is named "${alias.source}" before this alias`)
    if (this.openAliases.has(target)) throw new Refusal(place, `the alias "${alias.source}" contains itself`)
    this.openAliases.add(target)
    const value = this.node(target, depth + 1)
    this.openAliases.delete(target)
    return value
  }

  /** Entries in order; a key tagged `!ignore` is dropped but its anchors stay usable, as in Envoy. */
  private entries(map: YAMLMap.Parsed, depth: number): Map<string, SourceEntry> {
    const entries = new Map<string, SourceEntry>()
    for (const pair of map.items) {
      const keyPlace = this.placeAt(pair.key.range[0])
      const key = isAlias(pair.key) ? this.anchors.get(pair.key.source) : pair.key
      if (!isScalar(key)) throw new Refusal(keyPlace, 'a key must be a word, not a list or a mapping')
      const name = String(key.value)
      // Walked even when ignored, so that the anchors inside are known.
      const value: SourceNode =
        pair.value === null
          ? { kind: 'scalar', place: keyPlace, value: null, text: '' }
          : this.node(pair.value, depth + 1)
      if (key.tag === '!ignore') continue
      if (entries.has(name)) throw new Refusal(keyPlace, `the key "${name}" stands twice in this mapping`)
      entries.set(name, { keyPlace, value })
    }
    return entries
  }

  private scalar(node: YamlScalar.Parsed): Scalar {
    if (this.format === 'json') return jsonScalar(node.value)
    if (node.type !== 'PLAIN' || (node.tag !== undefined && node.tag !== '!ignore')) return textOf(node.value)
    return plainScalar(node.source)
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function jsonScalar(value: unknown): Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}
