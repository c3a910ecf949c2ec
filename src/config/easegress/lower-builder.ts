// RequestAdaptor, ResponseAdaptor, RequestBuilder and ResponseBuilder, with what their templates give.

import { nearestName } from '../model/nearest-name.ts'
import type { HeaderAdaption, PathAdaption, PipelineFilter, PipelineText } from '../model/pipeline.ts'
import type { WholeRegex } from '../model/string-match.ts'
import type { Spot } from '../source/tree.ts'
import type {
  BuilderSpec,
  HeaderChanges,
  PathChange,
  RequestAdaptorSpec,
  ResponseAdaptorSpec,
} from './builder-schema.ts'
import { plainText, type TemplateScope } from './go-template.ts'
import { goSubstitution } from './go-substitution.ts'
import type { Loading } from './loading.ts'
import { constantOf, readTemplate, type TemplateNode } from './template-fields.ts'

/** What a step's filter is lowered in. */
export interface StepScope {
  readonly loading: Loading
  readonly namespace: string
  /** `data` of the pipeline. */
  readonly data: unknown
}

type FilterOf<K extends PipelineFilter['kind']> = Extract<PipelineFilter, { kind: K }>

interface Templated {
  readonly template?: string | undefined
  readonly leftDelim?: string | undefined
  readonly rightDelim?: string | undefined
}

type Fields = ReadonlyMap<string, TemplateNode>

function templateOf(step: StepScope, spec: Templated, spot: Spot, known: readonly string[]): Fields {
  if (!spec.template) return new Map()
  const scope: TemplateScope = {
    namespace: step.namespace,
    data: step.data,
    leftDelimiter: spec.leftDelim || '{{',
    rightDelimiter: spec.rightDelim || '}}',
  }
  const at = spot.field('template')
  const fields = readTemplate(step.loading, spec.template, at, scope) ?? new Map<string, TemplateNode>()
  for (const key of fields.keys()) {
    if (known.includes(key)) continue
    const nearest = nearestName(key, known)
    const hint = nearest === undefined ? `known: ${known.join(', ')}` : `did you mean "${nearest}"?`
    step.loading.error(at, `the template has "${key}", which is not supported`, hint)
  }
  return fields
}

export function lowerRequestAdaptor(
  step: StepScope,
  spec: RequestAdaptorSpec,
  spot: Spot,
): FilterOf<'request-adaptor'> {
  const fields = templateOf(step, spec, spot, ['method', 'host', 'path', 'header', 'body'])
  const at = spot.field('template')
  return {
    kind: 'request-adaptor',
    method: textField(step, fields, 'method', at) ?? optional(spec.method),
    host: textField(step, fields, 'host', at) ?? optional(spec.host),
    path: templatePath(step, fields.get('path'), at) ?? lowerPath(step.loading, spec.path, spot.field('path')),
    headers: templateHeaders(step, fields.get('header'), at) ?? lowerHeaders(spec.header),
    body: textField(step, fields, 'body', at) ?? optional(spec.body),
  }
}

export function lowerResponseAdaptor(
  step: StepScope,
  spec: ResponseAdaptorSpec,
  spot: Spot,
): FilterOf<'response-adaptor'> {
  const fields = templateOf(step, spec, spot, ['header', 'body'])
  const at = spot.field('template')
  return {
    kind: 'response-adaptor',
    headers: templateHeaders(step, fields.get('header'), at) ?? lowerHeaders(spec.header),
    body: textField(step, fields, 'body', at) ?? optional(spec.body),
  }
}

export function lowerRequestBuilder(step: StepScope, spec: BuilderSpec, spot: Spot): FilterOf<'request-builder'> {
  const fields = templateOf(step, spec, spot, ['method', 'url', 'headers', 'body'])
  const at = spot.field('template')
  return {
    kind: 'request-builder',
    source: spec.sourceNamespace ?? '',
    method: textField(step, fields, 'method', at),
    url: textField(step, fields, 'url', at),
    headers: pairs(step, fields.get('headers'), at),
    body: textField(step, fields, 'body', at),
  }
}

export function lowerResponseBuilder(step: StepScope, spec: BuilderSpec, spot: Spot): FilterOf<'response-builder'> {
  const fields = templateOf(step, spec, spot, ['statusCode', 'headers', 'body'])
  const at = spot.field('template')
  return {
    kind: 'response-builder',
    source: spec.sourceNamespace ?? '',
    status: textField(step, fields, 'statusCode', at),
    headers: pairs(step, fields.get('headers'), at),
    body: textField(step, fields, 'body', at),
  }
}

const optional = (text: string | undefined): PipelineText | undefined => (text ? plainText(text) : undefined)

function textField({ loading }: StepScope, fields: Fields, name: string, spot: Spot): PipelineText | undefined {
  const node = fields.get(name)
  if (node === undefined || node.kind === 'text') return node?.text.parts.length === 0 ? undefined : node?.text
  loading.error(spot, `"${name}" of the template must be a single value`)
  return undefined
}

/** A header's values are a list, or one value. */
function pairs({ loading }: StepScope, node: TemplateNode | undefined, spot: Spot): HeaderAdaption['set'] {
  if (node === undefined) return []
  if (node.kind !== 'map') {
    loading.error(spot, 'headers of the template must be a mapping')
    return []
  }
  return [...node.entries].flatMap(([name, value]) => {
    const items = value.kind === 'list' ? value.items : [value]
    return items.flatMap((item): HeaderAdaption['set'] => {
      if (item.kind === 'text') return [[name.toLowerCase(), item.text]]
      loading.error(spot, `the values of header "${name}" of the template must be single values`)
      return []
    })
  })
}

function templateHeaders(step: StepScope, node: TemplateNode | undefined, spot: Spot): HeaderAdaption | undefined {
  if (node === undefined) return undefined
  if (node.kind !== 'map') {
    step.loading.error(spot, 'header of the template must be a mapping of set, add and del')
    return undefined
  }
  const del = node.entries.get('del')
  const names = del?.kind === 'list' ? del.items : []
  return {
    set: pairs(step, node.entries.get('set'), spot),
    add: pairs(step, node.entries.get('add'), spot),
    remove: names.flatMap((item) => (item.kind === 'text' ? [(constantOf(item.text) ?? '').toLowerCase()] : [])),
  }
}

const lowerHeaders = (changes: HeaderChanges | undefined): HeaderAdaption => ({
  set: (changes?.set ?? []).map(([name, value]) => [name, plainText(value)]),
  add: (changes?.add ?? []).map(([name, value]) => [name, plainText(value)]),
  remove: (changes?.del ?? []).map((name) => name.toLowerCase()),
})

/** The first of them counts, in the vendor's order. */
function lowerPath(loading: Loading, change: PathChange | undefined, spot: Spot): PathAdaption | undefined {
  if (change === undefined) return undefined
  if (change.replace) return { kind: 'set', value: change.replace }
  if (change.addPrefix) return { kind: 'add-prefix', value: change.addPrefix }
  if (change.trimPrefix) return { kind: 'trim-prefix', value: change.trimPrefix }
  return change.regexpReplace && regexPath(loading, change.regexpReplace, spot.field('regexpReplace'))
}

function regexPath(
  loading: Loading,
  { regexp, replace = '' }: { readonly regexp: WholeRegex; readonly replace?: string | undefined },
  spot: Spot,
): PathAdaption {
  return {
    kind: 'regexp',
    regex: regexp,
    substitution: goSubstitution(loading, regexp, replace, spot.field('replace')),
  }
}

function templatePath({ loading }: StepScope, node: TemplateNode | undefined, spot: Spot): PathAdaption | undefined {
  if (node === undefined) return undefined
  const replace = node.kind === 'map' ? node.entries.get('replace') : undefined
  const value = replace?.kind === 'text' ? constantOf(replace.text) : undefined
  if (value !== undefined && node.kind === 'map' && node.entries.size === 1) return { kind: 'set', value }
  loading.error(
    spot,
    'a path of a template is supported as a constant replace only',
    'path beside the template has addPrefix, trimPrefix and regexpReplace',
  )
  return undefined
}
