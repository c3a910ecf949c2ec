// The part of Go's text/template that builders and adaptors need: looking up what stands in a request or answer, and a
// few functions on it. Everything else is refused by name. What the pipeline's `data` says is known now and becomes text.

import type { PipelineText, PipelineTextPart, PipelineValue, TextChange } from '../model/pipeline.ts'
import { nearestName } from '../model/nearest-name.ts'

/** What a template is compiled in. */
export interface TemplateScope {
  /** Of the step, for `.req`, `.resp` and `.namespace`. */
  readonly namespace: string
  /** `data` of the pipeline. */
  readonly data: unknown
  readonly leftDelimiter: string
  readonly rightDelimiter: string
}

/** `offset` is where the faulty action begins. */
export type CompiledTemplate =
  | { readonly kind: 'text'; readonly text: PipelineText }
  | { readonly kind: 'refused'; readonly message: string; readonly offset: number; readonly hint?: string }

/** Bytes of one template. */
const MAX_LENGTH = 64 * 1024

type Refused = Extract<CompiledTemplate, { kind: 'refused' }>

/** Compiles the whole text. */
export function compileTemplate(source: string, scope: TemplateScope): CompiledTemplate {
  const { leftDelimiter: left, rightDelimiter: right } = scope
  if (source.length > MAX_LENGTH) return refused(`the template is longer than ${MAX_LENGTH} characters`, 0)
  const parts: PipelineTextPart[] = []
  let at = 0
  let trim = false
  for (;;) {
    const open = source.indexOf(left, at)
    const plain = source.slice(at, open < 0 ? source.length : open)
    const close = open < 0 ? -1 : source.indexOf(right, open + left.length)
    if (open >= 0 && close < 0) return refused(`${left} without ${right}`, open)
    const inside = source.slice(open + left.length, close)
    const trimsBefore = open >= 0 && /^-\s/.test(inside)
    pushText(parts, trimmed(plain, trim, trimsBefore))
    if (open < 0) return { kind: 'text', text: { source, parts } }
    trim = /\s-$/.test(inside)
    const action = compileAction(inside.replace(/^-\s/, '').replace(/\s-$/, '').trim(), scope)
    if ('message' in action) return { ...action, offset: open }
    for (const part of action.parts) {
      if (part.kind === 'text') pushText(parts, part.text)
      else parts.push(part)
    }
    at = close + right.length
  }
}

/** A text without any template in it. */
export const plainText = (source: string): PipelineText => ({
  source,
  parts: source === '' ? [] : [{ kind: 'text', text: source }],
})

function trimmed(text: string, start: boolean, end: boolean): string {
  const from = start ? text.trimStart() : text
  return end ? from.trimEnd() : from
}

function pushText(parts: PipelineTextPart[], text: string): void {
  if (text === '') return
  const last = parts.at(-1)
  if (last?.kind === 'text') parts.splice(-1, 1, { kind: 'text', text: last.text + text })
  else parts.push({ kind: 'text', text })
}

const refused = (message: string, offset: number, hint?: string): Refused =>
  hint === undefined ? { kind: 'refused', message, offset } : { kind: 'refused', message, offset, hint }

type Action = { readonly parts: readonly PipelineTextPart[] } | Refused

// A quote that nobody closes takes the rest: looking for its end at every later quote again would take for ever.
const TOKEN = /"(?:[^"\\]|\\.)*(?:"|\\?$)|`[^`]*(?:`|$)|\||[^\s|"`]+/gs

const KEYWORDS = new Set(['if', 'else', 'end', 'range', 'with', 'define', 'template', 'block', 'break', 'continue'])

function compileAction(text: string, scope: TemplateScope): Action {
  if (text.startsWith('/*')) return { parts: [] }
  const stages = splitStages(text.match(TOKEN) ?? [])
  const [first = [], ...rest] = stages
  const word = first[0] ?? ''
  if (KEYWORDS.has(word)) return refused(`{{ ${word} }} is not supported in templates`, 0, SUBSET)
  const operand = compileOperand(first, scope)
  if ('message' in operand) return operand
  const changes: TextChange[] = []
  for (const stage of rest) {
    const change = compileChange(stage)
    if ('message' in change) return change
    changes.push(change)
  }
  return { parts: withChanges(operand, [...operand.changes, ...changes]) }
}

function splitStages(tokens: readonly string[]): string[][] {
  const stages: string[][] = [[]]
  for (const token of tokens) {
    if (token === '|') stages.push([])
    else stages.at(-1)?.push(token)
  }
  return stages
}

type Operand = { readonly value: PipelineValue | string; readonly changes: readonly TextChange[] } | Refused

const SUBSET =
  'supported are fields of .req, .resp, .requests.NAME, .responses.NAME and .data, and the functions ' +
  'upper, lower, trim, default, trimPrefix, trimSuffix'

function compileOperand(tokens: readonly string[], scope: TemplateScope): Operand {
  const [head = '', ...args] = tokens
  const literal = stringOf(head)
  if (literal !== undefined && args.length === 0) return { value: literal, changes: [] }
  if (head === 'header' && args.length === 2) return lookUp([...pathOf(args[0] ?? ''), 'Get'], args.slice(1), scope)
  if (head === 'username' && args.length === 1) return lookUp([...pathOf(args[0] ?? ''), 'Username'], [], scope)
  if (head.startsWith('.')) return lookUp(pathOf(head), args, scope)
  const change = compileChange([head, ...args.slice(0, -1)])
  const inner = args.at(-1)
  if ('message' in change || inner === undefined) return 'message' in change ? change : unknown(tokens.join(' '))
  const operand = compileOperand([inner], scope)
  return 'message' in operand ? operand : { value: operand.value, changes: [...operand.changes, change] }
}

const pathOf = (text: string): readonly string[] => text.split('.').slice(1)

const unknown = (what: string): Refused => refused(`"${what}" is not supported in templates`, 0, SUBSET)

function lookUp(path: readonly string[], args: readonly string[], scope: TemplateScope): Operand {
  const [root = '', ...rest] = path
  switch (root) {
    case 'namespace':
      return { value: scope.namespace, changes: [] }
    case 'data':
      return data(rest, scope)
    case 'req':
      return requestValue(rest, scope.namespace, args)
    case 'resp':
      return responseValue(rest, scope.namespace, args)
    case 'requests':
      return requestValue(rest.slice(1), rest[0] ?? '', args)
    case 'responses':
      return responseValue(rest.slice(1), rest[0] ?? '', args)
    default: {
      const nearest = nearestName(root, ['namespace', 'data', 'req', 'resp', 'requests', 'responses'])
      return refused(
        `".${path.join('.')}" is not supported in templates`,
        0,
        nearest ? `did you mean .${nearest}?` : SUBSET,
      )
    }
  }
}

/** `.data.PIPELINE.key`, and `.data.key` for short. */
function data(path: readonly string[], scope: TemplateScope): Operand {
  let value: unknown = scope.data
  for (const step of path[0] === 'PIPELINE' ? path.slice(1) : path) {
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? Reflect.get(value, step) : ''
  }
  if (typeof value === 'string') return { value, changes: [] }
  if (typeof value === 'number' || typeof value === 'boolean') return { value: String(value), changes: [] }
  return refused(`.data.${path.join('.')} is no single value`, 0)
}

const REQUEST_PARTS: ReadonlyMap<string, Extract<PipelineValue, { kind: 'request' }>['part']> = new Map([
  ['Method', 'method'],
  ['Host', 'host'],
  ['Path', 'path'],
  ['URL.Path', 'path'],
  ['URL.RawQuery', 'query'],
  ['RequestURI', 'target'],
  ['URL.Scheme', 'scheme'],
  ['Scheme', 'scheme'],
  ['Proto', 'version'],
  ['Username', 'basic-user'],
] as const)

function requestValue(path: readonly string[], namespace: string, args: readonly string[]): Operand {
  const name = path.join('.')
  const argument = args.length === 1 ? stringOf(args[0] ?? '') : undefined
  if (name === 'Header.Get' && argument !== undefined)
    return { value: { kind: 'request-field', namespace, of: 'header', name: argument.toLowerCase() }, changes: [] }
  if (name === 'URL.Query.Get' && argument !== undefined)
    return { value: { kind: 'request-field', namespace, of: 'query', name: argument }, changes: [] }
  if (name === 'RemoteAddr') return { value: { kind: 'client', part: 'remote-address' }, changes: [] }
  if (name === 'RealIP') return { value: { kind: 'client', part: 'real-ip' }, changes: [] }
  const part = args.length === 0 ? REQUEST_PARTS.get(name) : undefined
  return part === undefined ? unknown(`request ${name}`) : { value: { kind: 'request', namespace, part }, changes: [] }
}

function responseValue(path: readonly string[], namespace: string, args: readonly string[]): Operand {
  const name = path.join('.')
  const argument = args.length === 1 ? stringOf(args[0] ?? '') : undefined
  if (name === 'Header.Get' && argument !== undefined)
    return { value: { kind: 'response-header', namespace, name: argument.toLowerCase() }, changes: [] }
  if (name === 'StatusCode' && args.length === 0) return { value: { kind: 'response-status', namespace }, changes: [] }
  return unknown(`response ${name}`)
}

type Change = TextChange | Refused

function compileChange([name = '', ...args]: readonly string[]): Change {
  const argument = args.length === 1 ? stringOf(args[0] ?? '') : undefined
  if (args.length === 0 && (name === 'upper' || name === 'lower' || name === 'trim')) return { kind: name }
  if (argument !== undefined) {
    if (name === 'default') return { kind: 'default', argument }
    if (name === 'trimPrefix') return { kind: 'trim-prefix', argument }
    if (name === 'trimSuffix') return { kind: 'trim-suffix', argument }
  }
  return refused(`the function "${name}" is not supported in templates`, 0, SUBSET)
}

/** What is known now is changed now. */
function withChanges(
  { value }: { readonly value: PipelineValue | string },
  changes: readonly TextChange[],
): readonly PipelineTextPart[] {
  if (typeof value !== 'string') return [{ kind: 'lookup', value, changes }]
  return [{ kind: 'text', text: changes.reduce(changed, value) }]
}

function changed(text: string, change: TextChange): string {
  switch (change.kind) {
    case 'upper':
      return text.toUpperCase()
    case 'lower':
      return text.toLowerCase()
    case 'trim':
      return text.trim()
    case 'default':
      return text === '' ? change.argument : text
    case 'trim-prefix':
      return text.startsWith(change.argument) ? text.slice(change.argument.length) : text
    case 'trim-suffix':
      return change.argument !== '' && text.endsWith(change.argument) ? text.slice(0, -change.argument.length) : text
  }
}

function stringOf(token: string): string | undefined {
  if (token.length >= 2 && token.startsWith('`') && token.endsWith('`')) return token.slice(1, -1)
  if (!/^"(?:[^"\\]|\\.)*"$/s.test(token)) return undefined
  return token.slice(1, -1).replace(/\\(.)/g, (_, next: string) => (next === 'n' ? '\n' : next === 't' ? '\t' : next))
}
