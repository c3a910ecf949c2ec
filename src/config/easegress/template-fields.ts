// Templates of builders and adaptors are YAML with actions in it. The vendor evaluates the actions and then reads the
// YAML, for every request; here the YAML is read once, with a mark in place of each action, so that no value can change
// its structure.

import type { PipelineText, PipelineTextPart } from '../model/pipeline.ts'
import type { Place } from '../model/place.ts'
import { readDocuments } from '../source/read-file.ts'
import type { SourceNode } from '../source/tree.ts'
import type { Spot } from '../source/tree.ts'
import { compileTemplate, type TemplateScope } from './go-template.ts'
import type { Loading } from './loading.ts'

/** A node of the template's YAML with its actions back in place. */
export type TemplateNode =
  | { readonly kind: 'text'; readonly text: PipelineText; readonly place: Place }
  | { readonly kind: 'list'; readonly items: readonly TemplateNode[]; readonly place: Place }
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, TemplateNode>; readonly place: Place }

/** Private-use characters; YAML takes them for letters. */
const OPEN = '\uE000'
const CLOSE = '\uE001'
const MARK = /\uE000(\d+)\uE001/g

/** The fields of the template; undefined when it has a fault, which is then reported. */
export function readTemplate(
  loading: Loading,
  source: string,
  spot: Spot,
  scope: TemplateScope,
): ReadonlyMap<string, TemplateNode> | undefined {
  const compiled = compileTemplate(source, scope)
  if (compiled.kind === 'refused') {
    loading.errorAt(lineAt(spot, source, compiled.offset), compiled.message, compiled.hint)
    return undefined
  }
  const lookups: PipelineTextPart[] = []
  const marked = compiled.text.parts
    .map((part) => (part.kind === 'text' ? part.text : `${OPEN}${lookups.push(part) - 1}${CLOSE}`))
    .join('')
  const [document, second] = readDocuments({ kind: 'text', name: spot.place.file, text: marked })
  if (document === undefined) return new Map()
  if (document.kind === 'refused' || second !== undefined) {
    const problem = document.kind === 'refused' ? document.problems[0]?.message : 'it holds several documents'
    loading.error(spot, `the template gives no YAML: ${problem ?? 'it cannot be read'}`)
    return undefined
  }
  const root = toTemplate(document.root, lookups, spot)
  if (root.kind === 'map') return root.entries
  loading.error(spot, 'the template must give a mapping', 'such as "method: GET"')
  return undefined
}

/** Of a character of a text that stands in a block of lines below its key. */
function lineAt(spot: Spot, source: string, offset: number): Place {
  const { place } = spot
  if (!source.includes('\n')) return place
  return { ...place, line: place.line + 1 + (source.slice(0, offset).split('\n').length - 1), column: 1 }
}

function toTemplate(node: SourceNode, lookups: readonly PipelineTextPart[], spot: Spot): TemplateNode {
  const { place } = spot
  switch (node.kind) {
    case 'scalar':
      return { kind: 'text', text: restore(typeof node.value === 'string' ? node.value : node.text, lookups), place }
    case 'list':
      return { kind: 'list', items: node.items.map((item) => toTemplate(item, lookups, spot)), place }
    case 'map': {
      const entries = [...node.entries].map(([key, { value }]) => [key, toTemplate(value, lookups, spot)] as const)
      return { kind: 'map', entries: new Map(entries), place }
    }
  }
}

function restore(text: string, lookups: readonly PipelineTextPart[]): PipelineText {
  const parts: PipelineTextPart[] = []
  let at = 0
  for (const match of text.matchAll(MARK)) {
    if (match.index > at) parts.push({ kind: 'text', text: text.slice(at, match.index) })
    const part = lookups[Number(match[1])]
    if (part !== undefined) parts.push(part)
    at = match.index + match[0].length
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) })
  return { source: text.replace(MARK, '{{…}}'), parts }
}

/** The text when it holds no action. */
export function constantOf(text: PipelineText): string | undefined {
  if (text.parts.some((part) => part.kind === 'lookup')) return undefined
  return text.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')
}
