// Short ways to make route tables and requests for these tests.

import assert from 'node:assert/strict'
import { HeaderList } from '../../../src/codec/header-list.ts'
import type { RequestHead, TunnelIntent } from '../../../src/codec/http-stream.ts'
import type { FormatTemplate } from '../../../src/config/model/format-template.ts'
import { type HeaderAddition, NO_MUTATIONS } from '../../../src/config/model/header-mutation.ts'
import { NOWHERE, type Place } from '../../../src/config/model/place.ts'
import type {
  ForwardAction,
  PathMatch,
  Route,
  RouteMatch,
  RouteTable,
  VirtualHost,
} from '../../../src/config/model/route.ts'
import type { WholeRegex } from '../../../src/config/model/string-match.ts'
import { compileRegex, isRegex } from '../../../src/config/source/regex.ts'
import { compileRouteTable } from '../../../src/route/compiled-table.ts'
import { type RouteInput, selectRoute } from '../../../src/route/select-route.ts'

export const place = (line: number): Place => ({ file: 'envoy.yaml', line, column: 1, path: 'x' })

export function regex(source: string): WholeRegex {
  const compiled = compileRegex(source)
  assert.ok(isRegex(compiled), source)
  return compiled
}

export const prefix = (value: string, caseSensitive = true): PathMatch => ({ kind: 'prefix', value, caseSensitive })
export const exact = (value: string, caseSensitive = true): PathMatch => ({ kind: 'exact', value, caseSensitive })
export const separated = (value: string, caseSensitive = true): PathMatch => ({
  kind: 'separated-prefix',
  value,
  caseSensitive,
})
export const matching = (source: string): PathMatch => ({ kind: 'regex', regex: regex(source) })
export const connect: PathMatch = { kind: 'connect' }

export const forward = (more: Partial<ForwardAction> = {}): ForwardAction => ({
  kind: 'forward',
  connect: undefined,
  cluster: { kind: 'cluster', name: 'app' },
  clusterNotFoundStatus: 503,
  pathRewrite: undefined,
  hostRewrite: undefined,
  appendForwardedHost: false,
  timeoutMs: 15000,
  idleTimeoutMs: 'inherit',
  maxStreamDurationMs: 'inherit',
  upgrades: new Map(),
  timeoutPlace: NOWHERE,
  ...more,
})

export const match = (path: PathMatch, more: Partial<RouteMatch> = {}): RouteMatch => ({
  path,
  headers: [],
  query: [],
  grpcOnly: false,
  fraction: undefined,
  tls: undefined,
  ...more,
})

export const route = (name: string, matched: RouteMatch | PathMatch, more: Partial<Route> = {}): Route => ({
  name,
  match: 'path' in matched ? matched : match(matched),
  action: forward(),
  mutations: NO_MUTATIONS,
  perFilter: new Map(),
  place: place(20),
  ...more,
})

export const virtualHost = (
  name: string,
  domains: readonly string[],
  routes: readonly Route[],
  more: Partial<VirtualHost> = {},
): VirtualHost => ({
  name,
  domains,
  routes,
  requireTls: 'none',
  mutations: NO_MUTATIONS,
  perFilter: new Map(),
  place: place(10),
  ...more,
})

export const table = (virtualHosts: readonly VirtualHost[], more: Partial<RouteTable> = {}): RouteTable => ({
  name: 'local',
  virtualHosts,
  mutations: NO_MUTATIONS,
  mostSpecificMutationsWin: false,
  ignorePortInHostMatching: false,
  ignorePathParameters: false,
  internalOnlyHeaders: [],
  place: place(5),
  ...more,
})

export interface RequestOptions {
  readonly method?: string
  readonly scheme?: string
  readonly authority?: string
  readonly path?: string
  readonly tunnel?: TunnelIntent
  readonly headers?: readonly (readonly [string, string])[]
}

export const request = (options: RequestOptions = {}): RequestHead => ({
  method: options.method ?? 'GET',
  scheme: options.scheme ?? 'http',
  authority: options.authority ?? 'example.com',
  path: options.path ?? '/',
  protocol: 'HTTP/1.1',
  headers: new HeaderList((options.headers ?? []).flat()),
  tunnel: options.tunnel,
})

export const connectTo = (authority: string, more: RequestOptions = {}): RequestHead =>
  request({ method: 'CONNECT', path: '', authority, tunnel: { kind: 'connect' }, ...more })

export const input = (head: RequestHead, more: Partial<RouteInput> = {}): RouteInput => ({
  head,
  tls: undefined,
  random: 0.5,
  internal: false,
  ...more,
})

/** The name of the route that a one-host table selects; the explanation of a miss after `!`. */
export function routeOf(
  routes: readonly Route[],
  head: RequestHead,
  more: Partial<RouteInput> = {},
  settings: Partial<RouteTable> = {},
): string {
  const compiled = compileRouteTable(table([virtualHost('all', ['*'], routes)], settings))
  const selected = selectRoute(compiled, input(head, more))
  return selected.kind === 'route' ? selected.route.name : `!${selected.explanation}`
}

export const text = (source: string): FormatTemplate => ({ source, parts: [{ kind: 'text', text: source }] })

export const addition = (
  name: string,
  value: string,
  action: HeaderAddition['action'] = 'append',
  keepEmpty = false,
): HeaderAddition => ({
  name,
  value: text(value),
  action,
  keepEmpty,
})

/** Stands in for formats: the source is the result. */
export const evaluate = (template: FormatTemplate): string => template.source
