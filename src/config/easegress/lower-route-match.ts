// Which requests a path of a rule takes.

import { isIP } from 'node:net'
import type { AddressRange } from '../model/address.ts'
import type { HostMatch, PathMatch, RouteMatch, SourceFilter } from '../model/route.ts'
import type { HeaderMatch, QueryMatch, StringMatch } from '../model/string-match.ts'
import { compileSearch, isRegex } from '../source/regex.ts'
import type { Spot } from '../source/tree.ts'
import type { FieldRule, IpFilter, PathSpec, RuleSpec } from './http-server-schema.ts'
import type { Loading } from './loading.ts'

export interface MatchScope {
  readonly loading: Loading
  /** Of the server and the rule, lowered once for all paths. */
  readonly sources: readonly SourceFilter[]
  readonly hosts: readonly HostMatch[]
}

export function lowerMatch(scope: MatchScope, spec: PathSpec, spot: Spot): RouteMatch {
  const { loading } = scope
  const own = spec.ipFilter && lowerIpFilter(loading, spec.ipFilter, spot.field('ipFilter'), false)
  const sources = own === undefined ? scope.sources : [...scope.sources, own]
  return {
    path: lowerPath(loading, spec, spot),
    headers: each(spec.headers, spec.matchAllHeader).map(({ key, ...rule }) => headerMatch(key, rule)),
    query: each(spec.queries, spec.matchAllQuery).map(({ key, ...rule }) => ({ name: key, test: fieldTest(rule) })),
    grpcOnly: false,
    fraction: undefined,
    tls: undefined,
    hosts: scope.hosts,
    methods: spec.methods ?? [],
    anyHeader: !(spec.matchAllHeader ?? false),
    anyQuery: !(spec.matchAllQuery ?? false),
    sources: sources.length === 0 ? undefined : sources,
  }
}

/** Several of them are alternatives to the vendor's router in this order: exact, prefix, expression. */
function lowerPath(loading: Loading, spec: PathSpec, spot: Spot): PathMatch {
  const given = (['path', 'pathPrefix', 'pathRegexp'] as const).filter((key) => spec[key])
  if (given.length > 1)
    loading.error(
      spot.field(given[1] ?? ''),
      `${given.join(' and ')} exclude one another here`,
      'give each a path of its own',
    )
  if (spec.path) return { kind: 'exact', value: spec.path, caseSensitive: true }
  if (spec.pathPrefix) {
    if (!spec.pathPrefix.endsWith('/'))
      loading.warning(
        spot.field('pathPrefix'),
        `the prefix is compared letter by letter: "${spec.pathPrefix}" takes "${spec.pathPrefix}x", too`,
        'path for one path, or a prefix that ends in a slash',
      )
    return { kind: 'prefix', value: spec.pathPrefix, caseSensitive: true }
  }
  return spec.pathRegexp === undefined ? { kind: 'any' } : { kind: 'regex', regex: spec.pathRegexp }
}

/** Where all rules must hold, the values and the expression of one must, too; elsewhere either will do. */
const each = (rules: readonly FieldRule[] = [], all = false): readonly FieldRule[] =>
  all
    ? rules.flatMap(({ key, values = [], regexp }) => [
        ...(values.length === 0 ? [] : [{ key, values }]),
        ...(regexp === undefined ? [] : [{ key, regexp }]),
      ])
    : rules

type Rule = Omit<FieldRule, 'key'>

const headerMatch = (key: string, rule: Rule): HeaderMatch => ({
  name: key.toLowerCase(),
  test: fieldTest(rule),
  invert: false,
  treatMissingAsEmpty: true,
})

/** Several values and the expression are alternatives, which one expression says as well. */
function fieldTest({ values = [], regexp }: Rule): Extract<QueryMatch['test'], { kind: 'string' }> {
  const [value = ''] = values
  if (values.length === 1 && regexp === undefined)
    return { kind: 'string', match: { kind: 'exact', value, ignoreCase: false } }
  const alternatives = values.map((each) => `\\A${each.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}\\z`)
  return { kind: 'string', match: oneRegex(regexp === undefined ? alternatives : [...alternatives, regexp.source]) }
}

function oneRegex(sources: readonly string[]): StringMatch {
  const regex = compileSearch(sources.map((source) => `(?:${source})`).join('|'))
  return isRegex(regex) ? { kind: 'regex', regex } : { kind: 'exact', value: '', ignoreCase: false }
}

/** Hosts of a rule; none = every host. */
export function lowerHosts(loading: Loading, rule: RuleSpec, spot: Spot): readonly HostMatch[] {
  const hosts = (rule.hosts ?? []).flatMap((host, index) => {
    const at = spot.field('hosts').at(index).field('value')
    if (host.isRegexp !== true) return literalHost(loading, host.value, at)
    const regex = compileSearch(host.value)
    if (isRegex(regex)) return [{ kind: 'regex' as const, regex }]
    loading.error(at, `not a valid regular expression: ${regex.reason}`)
    return []
  })
  return [
    ...hosts,
    ...(rule.host ? literalHost(loading, rule.host, spot.field('host')) : []),
    ...(rule.hostRegexp === undefined ? [] : [{ kind: 'regex' as const, regex: rule.hostRegexp }]),
  ]
}

function literalHost(loading: Loading, text: string, spot: Spot): readonly HostMatch[] {
  const value = text.toLowerCase()
  const stars = value.split('*').length - 1
  if (stars === 0) return [{ kind: 'exact', value }]
  if (stars === 1 && value.startsWith('*')) return [{ kind: 'suffix', value: value.slice(1) }]
  if (stars === 1 && value.endsWith('*')) return [{ kind: 'prefix', value: value.slice(0, -1) }]
  loading.error(spot, `"${text}" is no host`, 'one * is allowed, at the start or at the end')
  return []
}

/** `beforePath`: of a server or rule, which keep clients out before any path is looked at. */
export function lowerIpFilter(loading: Loading, spec: IpFilter, spot: Spot, beforePath: boolean): SourceFilter {
  return {
    blockByDefault: spec.blockByDefault ?? false,
    beforePath,
    allow: ranges(loading, spec.allowIPs, spot.field('allowIPs')),
    block: ranges(loading, spec.blockIPs, spot.field('blockIPs')),
    place: spot.place,
  }
}

const ranges = (loading: Loading, texts: readonly string[] = [], spot: Spot): readonly AddressRange[] =>
  texts.flatMap((text, index) => {
    const [address = '', length, more] = text.split('/')
    const family = isIP(address)
    const most = family === 6 ? 128 : 32
    const prefixLength = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
    if (family !== 0 && more === undefined && prefixLength <= most) return [{ address, prefixLength }]
    loading.error(spot.at(index), `"${text}" is no IP address or network`, 'such as 10.0.0.1 or 10.0.0.0/8')
    return []
  })
