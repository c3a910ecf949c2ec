// The paths of an HTTPServer's rules as routes, in their order. What a path does to its requests, rewriteTarget and
// setHeaders, becomes the first steps of its pipeline, because a pipeline sees requests as the path left them.

import type { HttpFilterConfig } from '../model/http-filter.ts'
import { literalTemplate } from '../model/format-parse.ts'
import { nearestName } from '../model/nearest-name.ts'
import { NO_MUTATIONS, type MessageMutations } from '../model/header-mutation.ts'
import type { HeaderAdaption, PathAdaption, PipelineStep, PipelineText } from '../model/pipeline.ts'
import type { Route, RouteAction } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import { goSubstitution } from './go-substitution.ts'
import type { HttpServerSpec, PathSpec } from './http-server-schema.ts'
import type { Loading } from './loading.ts'
import { lowerHosts, lowerIpFilter, lowerMatch, type MatchScope } from './lower-route-match.ts'
import { compileVariables } from './nginx-variables.ts'

export interface RouteScope {
  readonly loading: Loading
  readonly server: HttpServerSpec
  readonly pipelines: {
    /** Steps of the pipeline with what the server's GlobalFilter adds; undefined when there is none of that name. */
    readonly named: (name: string, server: HttpServerSpec, spot: Spot) => readonly PipelineStep[] | undefined
    /** The same for the inline pool of a path. */
    readonly ofPool: (path: PathSpec, spot: Spot, name: string, server: HttpServerSpec) => readonly PipelineStep[]
    readonly names: readonly string[]
  }
}

export interface LoweredRoutes {
  readonly routes: readonly Route[]
  /** One of them leads to a WebSocketProxy. */
  readonly webSockets: boolean
}

export function lowerRoutes(scope: RouteScope, spot: Spot): LoweredRoutes {
  const { loading, server } = scope
  const ofServer = server.ipFilter && lowerIpFilter(loading, server.ipFilter, spot.field('ipFilter'), true)
  const rules = server.rules ?? []
  if (!rules.some(({ paths = [] }) => paths.length > 0))
    loading.warning(spot.field('rules'), 'no rule has paths: every request gets 404')
  const routes = rules.flatMap((rule, ruleIndex) => {
    const at = spot.field('rules').at(ruleIndex)
    const ofRule = rule.ipFilter && lowerIpFilter(loading, rule.ipFilter, at.field('ipFilter'), true)
    const match: MatchScope = {
      loading,
      sources: [ofServer, ofRule].filter((filter) => filter !== undefined),
      hosts: lowerHosts(loading, rule, at),
    }
    return (rule.paths ?? []).map((path, pathIndex) => {
      const name = `GENERATED-${server.name}-${ruleIndex}-${pathIndex}`
      return lowerRoute(scope, match, path, at.field('paths').at(pathIndex), name)
    })
  })
  return { routes, webSockets: routes.some(leadsToWebSockets) }
}

const leadsToWebSockets = ({ perFilter }: Route): boolean => {
  const config = perFilter.get('pipeline')?.config
  return config?.kind === 'pipeline' && (config.pipeline?.steps ?? []).some(isWebSocketStep)
}

const isWebSocketStep = ({ filter }: PipelineStep): boolean => filter.kind === 'websocket-proxy'

function lowerRoute(scope: RouteScope, match: MatchScope, spec: PathSpec, spot: Spot, poolName: string): Route {
  const { server, pipelines } = scope
  const name = spec.backend || poolName
  const base = {
    name,
    match: lowerMatch(match, spec, spot),
    maxRequestBodyBytes: bodyLimit(spec, server),
    place: spot.place,
  }
  const steps = spec.backend
    ? pipelines.named(spec.backend, server, spot)
    : pipelines.ofPool(spec, spot.field('backendPool'), poolName, server)
  if (steps === undefined) return missing(scope, base, spec.backend ?? '', spot.field('backend'))
  const all = [...pathSteps(scope.loading, spec, spot), ...steps]
  const config: HttpFilterConfig = {
    kind: 'pipeline',
    name: 'pipeline',
    disabled: false,
    pipeline: { name, steps: all, place: spot.place },
    place: spot.place,
  }
  return {
    ...base,
    action: actionOf(all),
    mutations: all.some(isWebSocketStep) ? FORWARDED_HOST : HOP_BY_HOP,
    perFilter: new Map([['pipeline', { disabled: false, config }]]),
  }
}

/** What is between a client and this proxy only (RFC 9110 §7.6.1, §11.7.2). The vendor leaks it on WebSockets. */
const HOP_BY_HOP: MessageMutations = {
  request: { add: [], remove: ['keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'] },
  response: NO_MUTATIONS.response,
}

/** The Host that the client asked for, unless a proxy before this one has said so. */
const FORWARDED_HOST: MessageMutations = {
  request: {
    add: [
      {
        name: 'x-forwarded-host',
        value: {
          source: '%REQ(:AUTHORITY)%',
          parts: [{ kind: 'operator', name: 'REQUEST_HEADER', argument: ':AUTHORITY', maxLength: undefined }],
        },
        action: 'add-if-absent',
        keepEmpty: false,
      },
    ],
    remove: HOP_BY_HOP.request.remove,
  },
  response: NO_MUTATIONS.response,
}

/** The one proxy's action; the pipeline puts another in its place where there are several. */
function actionOf(steps: readonly PipelineStep[]): RouteAction {
  const actions = steps.flatMap(({ filter }) =>
    filter.kind === 'proxy' || filter.kind === 'websocket-proxy' ? [filter.action] : [],
  )
  return actions[0] ?? unavailable('the pipeline gave no answer')
}

const unavailable = (text: string): RouteAction => ({
  kind: 'direct',
  status: 503,
  body: literalTemplate(text),
  contentType: 'text/plain',
})

function missing(
  { loading, pipelines }: RouteScope,
  base: Pick<Route, 'name' | 'match' | 'place'>,
  backend: string,
  spot: Spot,
): Route {
  const nearest = nearestName(backend, pipelines.names)
  loading.warning(
    spot,
    `there is no Pipeline "${backend}": requests get 503`,
    nearest === undefined ? undefined : `did you mean "${nearest}"?`,
  )
  return { ...base, action: unavailable('the backend is missing'), mutations: NO_MUTATIONS, perFilter: new Map() }
}

const DEFAULT_BODY_LIMIT = 4 * 1024 * 1024

/** The path's word, else the server's, else the vendor's default; a negative one is no limit. */
function bodyLimit(path: PathSpec, server: HttpServerSpec): number | undefined {
  const limit = path.clientMaxBodySize || server.clientMaxBodySize || DEFAULT_BODY_LIMIT
  return limit < 0 ? undefined : limit
}

const NAMESPACE = 'DEFAULT'

/** Headers first: their variables mean the path that the client asked for. */
function pathSteps(loading: Loading, spec: PathSpec, spot: Spot): readonly PipelineStep[] {
  const headers = setHeaders(loading, spec.setHeaders ?? {}, spot.field('setHeaders'))
  const path = rewrite(loading, spec, spot.field('rewriteTarget'))
  const step = (name: string, change: { headers?: HeaderAdaption; path?: PathAdaption }): PipelineStep => ({
    name,
    namespace: NAMESPACE,
    filter: {
      kind: 'request-adaptor',
      method: undefined,
      host: undefined,
      path: change.path,
      headers: change.headers ?? { set: [], add: [], remove: [] },
      body: undefined,
    },
    jumpIf: new Map(),
    place: spot.place,
  })
  return [
    ...(headers === undefined ? [] : [step('path/setHeaders', { headers })]),
    ...(path === undefined ? [] : [step('path/rewriteTarget', { path })]),
  ]
}

/** An empty value takes the field away. */
function setHeaders(
  loading: Loading,
  fields: Readonly<Record<string, string>>,
  spot: Spot,
): HeaderAdaption | undefined {
  const set: [string, PipelineText][] = []
  const remove: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    const text = compileVariables(value)
    if (value === '') remove.push(name.toLowerCase())
    else if ('parts' in text) set.push([name.toLowerCase(), text])
    else {
      const hint = text.nearest === undefined ? undefined : `did you mean $${text.nearest}?`
      loading.error(spot.key(name), `there is no variable $${text.unknown}`, hint)
    }
  }
  return set.length + remove.length === 0 ? undefined : { set, add: [], remove }
}

function rewrite(loading: Loading, spec: PathSpec, spot: Spot): PathAdaption | undefined {
  const target = spec.rewriteTarget
  if (!target) return undefined
  if (spec.path) return { kind: 'set', value: target }
  if (spec.pathPrefix) return { kind: 'replace-prefix', prefix: spec.pathPrefix, value: target }
  const regex = spec.pathRegexp
  return regex && { kind: 'regexp', regex, substitution: goSubstitution(loading, regex, target, spot) }
}
