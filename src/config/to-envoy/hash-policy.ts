// Hash policies of routes.

import type { CookieAttributes, HashPolicy, HashSource } from '../model/hash-policy.ts'
import { duration, fields, type Fields, type Json, unless } from './json.ts'
import { regexRewrite } from './string-match.ts'

/** RouteAction.HashPolicy. */
export const hashPolicy = ({ source, terminal }: HashPolicy): Fields =>
  fields({ ...specifier(source), terminal: unless(terminal, false) })

function specifier(source: HashSource): Readonly<Record<string, Json | undefined>> {
  switch (source.kind) {
    case 'header':
      return {
        header: fields({
          header_name: source.name,
          regex_rewrite: source.rewrite && regexRewrite(source.rewrite.regex, source.rewrite.substitution),
        }),
      }
    case 'cookie':
      return {
        cookie: fields({
          name: source.name,
          ttl: source.ttlMs === undefined ? undefined : duration(source.ttlMs),
          path: unless(source.attributes.path, ''),
          attributes: attributes(source.attributes),
        }),
      }
    case 'source-ip':
      return { connection_properties: { source_ip: true } }
    case 'query':
      return { query_parameter: { name: source.name } }
    case 'filter-state':
      return { filter_state: { key: source.key } }
  }
}

function attributes({ secure, httpOnly, sameSite }: CookieAttributes): Json | undefined {
  const list = [
    ...(secure ? [{ name: 'Secure' }] : []),
    ...(httpOnly ? [{ name: 'HttpOnly' }] : []),
    ...(sameSite === '' ? [] : [{ name: 'SameSite', value: sameSite }]),
  ]
  return list.length === 0 ? undefined : list
}

/** Whether Envoy has the words for it. */
export const isEnvoysHash = ({ source, hash }: HashPolicy): boolean =>
  hash === 'xxhash' && !(source.kind === 'source-ip' && source.real)
