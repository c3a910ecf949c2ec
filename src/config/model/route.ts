// Route tables: virtual hosts, matches and actions, references resolved. Envoy: config.route.v3.

import type { AddressRange } from './address.ts'
import type { FormatTemplate } from './format-template.ts'
import type { EndpointAffinity, HashPolicy } from './hash-policy.ts'
import type { MessageMutations } from './header-mutation.ts'
import type { HttpFilterConfig } from './http-filter.ts'
import type { Place } from './place.ts'
import type { ProxyProtocolSend } from './proxy-protocol.ts'
import type { MirrorPolicy, RetryPolicy } from './retry.ts'
import type { HeaderMatch, QueryMatch, StringMatch, WholeRegex } from './string-match.ts'
import type { WebSocketPolicy } from './websocket-policy.ts'

export interface RouteTable {
  readonly name: string
  readonly virtualHosts: readonly VirtualHost[]
  readonly mutations: MessageMutations
  readonly mostSpecificMutationsWin: boolean
  readonly ignorePortInHostMatching: boolean
  readonly ignorePathParameters: boolean
  /** Removed from external requests. Lower case. */
  readonly internalOnlyHeaders: readonly string[]
  /**
   * What a request gets that no route takes. `not-found` (also undefined): 404. `nearest`: the worst that kept a route
   * from it, over all routes: 403 for its address, 400 for its headers or query, 405 for its method, else 404 (Easegress).
   */
  readonly refusal?: 'not-found' | 'nearest' | undefined
  readonly place: Place
}

export interface VirtualHost {
  readonly name: string
  /** Lower case: exact, `*.suffix`, `prefix.*`, `*`. */
  readonly domains: readonly string[]
  readonly routes: readonly Route[]
  readonly requireTls: 'none' | 'external-only' | 'all'
  readonly mutations: MessageMutations
  /** The upstream / the client is told the number of the attempt. Envoy: include_(request_)attempt_count(_in_response). */
  readonly attemptCountInRequest?: boolean
  readonly attemptCountInResponse?: boolean
  /** By filter name. */
  readonly perFilter: PerFilterConfig
  readonly place: Place
}

/** typed_per_filter_config: filter name → override. */
export type PerFilterConfig = ReadonlyMap<
  string,
  { readonly disabled: boolean; readonly config: HttpFilterConfig | undefined }
>

export interface Route {
  /** '' when unnamed. */
  readonly name: string
  readonly match: RouteMatch
  readonly action: RouteAction
  readonly mutations: MessageMutations
  readonly perFilter: PerFilterConfig
  /** A longer request body gets 413, or is cut off once it was answered. undefined = no limit. Easegress: clientMaxBodySize. */
  readonly maxRequestBodyBytes?: number | undefined
  readonly place: Place
}

export type PathMatch =
  | { readonly kind: 'prefix'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'exact'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'separated-prefix'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'regex'; readonly regex: WholeRegex }
  | { readonly kind: 'connect' }
  | { readonly kind: 'any' }

export interface RouteMatch {
  readonly path: PathMatch
  readonly headers: readonly HeaderMatch[]
  readonly query: readonly QueryMatch[]
  readonly grpcOnly: boolean
  /** Fraction of requests in 0..1 that match; undefined = all. */
  readonly fraction: number | undefined
  /** tls_context: whether a client certificate must (not) have been presented / validated. */
  readonly tls: { readonly presented: boolean | undefined; readonly validated: boolean | undefined } | undefined
  /** One must match the authority without its port, lower case; undefined or empty = all. Easegress: hosts of a rule. */
  readonly hosts?: readonly HostMatch[] | undefined
  /** undefined or empty = all. */
  readonly methods?: readonly string[] | undefined
  /** One header match is enough. Easegress: matchAllHeader false. */
  readonly anyHeader?: boolean
  readonly anyQuery?: boolean
  /** Which clients, by the address the connection manager trusts; all must let it in. undefined = all clients. */
  readonly sources?: SourceFilter | readonly SourceFilter[] | undefined
}

/** Lower case. `suffix` is `*.example.com` without the star, `prefix` is `www.*` without it. */
export type HostMatch =
  | { readonly kind: 'exact' | 'suffix' | 'prefix'; readonly value: string }
  | { readonly kind: 'regex'; readonly regex: WholeRegex }

/**
 * Easegress: ipFilter. With an allow list nobody else gets in; who is on both lists, or on neither, gets the default.
 */
export interface SourceFilter {
  readonly blockByDefault: boolean
  /** Asked before the path: who is kept out hears 403 on any path. Easegress: ipFilter of a rule or server. */
  readonly beforePath?: boolean
  readonly allow: readonly AddressRange[]
  readonly block: readonly AddressRange[]
  readonly place: Place
}

export type RouteAction = ForwardAction | RedirectAction | DirectAction

/** Answered here. */
export interface DirectAction {
  readonly kind: 'direct'
  readonly status: number
  readonly body: FormatTemplate | Buffer
  readonly contentType: string
}

export interface RedirectAction {
  readonly kind: 'redirect'
  /** '' = keep. */
  readonly scheme: string
  readonly host: string
  /** 0 = keep. */
  readonly port: number
  /** Neither the port that the client named nor the scheme's own is printed. Gateway API: RequestRedirect. */
  readonly omitDefaultPort?: boolean
  readonly path: PathRewrite | undefined
  readonly status: number
  readonly stripQuery: boolean
}

export type PathRewrite =
  /** Replaces the whole path (redirects only). */
  | { readonly kind: 'full'; readonly path: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  /** Whole segments: `matched` goes, `replacement` comes, and exactly one slash stands between. Gateway API: ReplacePrefixMatch. */
  | { readonly kind: 'segment-prefix'; readonly matched: string; readonly replacement: string }
  | { readonly kind: 'regex'; readonly regex: WholeRegex; readonly substitution: string }
  | { readonly kind: 'format'; readonly template: FormatTemplate }

export type HostRewrite =
  | { readonly kind: 'literal'; readonly host: string }
  /** The endpoint's hostname. */
  | { readonly kind: 'auto' }
  | { readonly kind: 'header'; readonly header: string }
  | { readonly kind: 'path-regex'; readonly regex: WholeRegex; readonly substitution: string }
  | { readonly kind: 'format'; readonly template: FormatTemplate }

export type ClusterChoice =
  | { readonly kind: 'cluster'; readonly name: string }
  /** The first that matches, else `main`. Easegress: candidate pools. */
  | {
      readonly kind: 'first-match'
      readonly candidates: readonly { readonly match: PoolMatch; readonly pool: string }[]
      readonly main: string
      /** By cluster name: what differs between the pools. */
      readonly pools: ReadonlyMap<string, PoolOverride>
    }
  | { readonly kind: 'header'; readonly header: string }
  | {
      readonly kind: 'weighted'
      readonly clusters: readonly WeightedCluster[]
      readonly total: number
      /** Header whose number picks; '' = random. */ readonly headerName: string
    }

export interface WeightedCluster {
  readonly cluster:
    | { readonly kind: 'cluster'; readonly name: string }
    | { readonly kind: 'header'; readonly header: string }
    /** This share is not forwarded. Gateway API: a backendRef that does not resolve, or that has a redirect filter. */
    | { readonly kind: 'answer'; readonly action: DirectAction | RedirectAction }
  readonly weight: number
  readonly mutations: MessageMutations
  /** '' = none. */
  readonly hostRewrite: string
  /** In place of the route's. */
  readonly pathRewrite?: PathRewrite | undefined
  /** Besides the route's. */
  readonly mirrors?: readonly MirrorPolicy[] | undefined
  readonly perFilter: PerFilterConfig
  readonly place: Place
}

/** Which requests a pool takes that is not the main one. Easegress: RequestMatcher. */
export type PoolMatch =
  | {
      readonly kind: 'general'
      readonly headers: readonly {
        readonly name: string
        readonly match: readonly StringMatch[]
        readonly empty: boolean
      }[]
      readonly allHeaders: boolean
      readonly urls: readonly {
        readonly methods: readonly string[]
        readonly url: readonly StringMatch[]
        readonly empty: boolean
      }[]
    }
  /** By chance or by hash, so many of a thousand. */
  | { readonly kind: 'random'; readonly permil: number }
  | { readonly kind: 'ip-hash'; readonly permil: number }
  | { readonly kind: 'header-hash'; readonly permil: number; readonly header: string }

export interface ForwardAction {
  readonly kind: 'forward'
  readonly cluster: ClusterChoice
  /** 503, 404 or 500. */
  readonly clusterNotFoundStatus: number
  readonly pathRewrite: PathRewrite | undefined
  readonly hostRewrite: HostRewrite | undefined
  readonly appendForwardedHost: boolean
  /** Route timeout; undefined = off. */
  readonly timeoutMs: number | undefined
  /** 'inherit' = the connection manager's stream_idle_timeout; undefined = off. */
  readonly idleTimeoutMs: number | undefined | 'inherit'
  readonly maxStreamDurationMs: number | undefined | 'inherit'
  /** By lower-case type; `connect` for CONNECT. */
  readonly upgrades: ReadonlyMap<string, RouteUpgrade>
  /** Set when CONNECT ends here and its bytes go to a TCP connection (or datagrams to UDP); undefined = it is passed on. */
  readonly connect: ConnectTermination | undefined
  /** 'high' counts against the circuit breakers of that priority. undefined = default. */
  readonly priority?: 'default' | 'high' | undefined
  /** undefined = none. */
  readonly retry?: RetryPolicy | undefined
  readonly mirrors?: readonly MirrorPolicy[] | undefined
  readonly hashPolicies?: readonly HashPolicy[] | undefined
  readonly affinity?: EndpointAffinity | undefined
  readonly websocket?: WebSocketPolicy | undefined
  /** Where to look: the line of the timeout, if it was set. */
  readonly timeoutPlace: Place
}

/** What a pool says for itself; undefined = as the action says. */
export interface PoolOverride {
  readonly timeoutMs?: number | undefined
  readonly retry?: RetryPolicy | undefined
  readonly hashPolicies?: readonly HashPolicy[] | undefined
  readonly affinity?: EndpointAffinity | undefined
  readonly websocket?: WebSocketPolicy | undefined
}

/** Envoy: RouteAction.UpgradeConfig.ConnectConfig. */
export interface ConnectTermination {
  readonly proxyProtocol: ProxyProtocolSend | undefined
  /** A POST is taken for a CONNECT, too. */
  readonly allowPost: boolean
  readonly place: Place
}

export interface RouteUpgrade {
  readonly enabled: boolean
  /** Own filter chain for this type on this route; undefined = the connection manager's. Sluice's extension. */
  readonly filters: readonly HttpFilterConfig[] | undefined
  readonly place: Place
}
