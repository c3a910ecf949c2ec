// `$variables` as of nginx in the values of setHeaders: `$host`, `${arg_x:default}`, `$http_x_token`.

import type { PipelineText, PipelineTextPart, PipelineValue } from '../model/pipeline.ts'
import { nearestName } from '../model/nearest-name.ts'

const NAMESPACE = 'DEFAULT'

const request = (part: Extract<PipelineValue, { kind: 'request' }>['part']): PipelineValue => ({
  kind: 'request',
  namespace: NAMESPACE,
  part,
})

const field = (of: 'header' | 'query' | 'cookie', name: string): PipelineValue => ({
  kind: 'request-field',
  namespace: NAMESPACE,
  of,
  name,
})

const VARIABLES: ReadonlyMap<string, readonly (PipelineValue | string)[]> = new Map<
  string,
  readonly (PipelineValue | string)[]
>([
  ['request_method', [request('method')]],
  ['request_uri', [request('target')]],
  ['uri', [request('path')]],
  ['request', [request('method'), ' ', request('target'), ' ', request('version')]],
  ['scheme', [request('scheme')]],
  ['query_string', [request('query')]],
  ['args', [request('query')]],
  ['host', [request('hostname')]],
  ['hostname', [request('hostname')]],
  ['server_name', [request('hostname')]],
  ['http_host', [request('host')]],
  ['remote_addr', [{ kind: 'client', part: 'real-ip' }]],
  ['remote_user', [request('basic-user')]],
  ['proxy_add_x_forwarded_for', [{ kind: 'client', part: 'forwarded-for' }]],
  ['time_iso8601', [{ kind: 'time', form: 'iso8601' }]],
  ['time_local', [{ kind: 'time', form: 'common-log' }]],
  ['msec', [{ kind: 'time', form: 'milliseconds' }]],
  ['content_type', [field('header', 'content-type')]],
  ['content_length', [field('header', 'content-length')]],
  ['request_length', [field('header', 'content-length')]],
  ['server_protocol', [request('version')]],
])

const VARIABLE = /\$\{([^}:]+)(?::([^}]*))?\}|\$([a-zA-Z_][a-zA-Z0-9_]*)/g

/** The text with its variables found; or the first one that there is none of. */
export function compileVariables(
  source: string,
): PipelineText | { readonly unknown: string; readonly nearest: string | undefined } {
  const parts: PipelineTextPart[] = []
  let at = 0
  for (const match of source.matchAll(VARIABLE)) {
    const name = match[1] ?? match[3] ?? ''
    const found = valuesOf(name)
    if (found === undefined) return { unknown: name, nearest: nearestName(name, VARIABLES.keys()) }
    if (match.index > at) parts.push({ kind: 'text', text: source.slice(at, match.index) })
    at = match.index + match[0].length
    const changes = match[2] ? [{ kind: 'default', argument: match[2] } as const] : []
    for (const value of found)
      parts.push(typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'lookup', value, changes })
  }
  if (at < source.length) parts.push({ kind: 'text', text: source.slice(at) })
  return { source, parts }
}

function valuesOf(name: string): readonly (PipelineValue | string)[] | undefined {
  const known = VARIABLES.get(name)
  if (known !== undefined) return known
  if (name.startsWith('http_')) return [field('header', name.slice(5).replaceAll('_', '-').toLowerCase())]
  if (name.startsWith('arg_')) return [field('query', name.slice(4))]
  return name.startsWith('cookie_') ? [field('cookie', name.slice(7))] : undefined
}
