// Route tables: virtual hosts, matches and actions, references resolved. Envoy: config.route.v3.

import type { FormatTemplate } from './format-template.ts'
import type { MessageMutations } from './header-mutation.ts'
import type { HttpFilterConfig } from './http-filter.ts'
import type { Place } from './place.ts'
import type { ProxyProtocolSend } from './proxy-protocol.ts'
import type { HeaderMatch, QueryMatch, WholeRegex } from './string-match.ts'

export interface RouteTable {
  readonly name: string
  readonly virtualHosts: readonly VirtualHost[]
  readonly mutations: MessageMutations
  readonly mostSpecificMutationsWin: boolean
  readonly ignorePortInHostMatching: boolean
  readonly ignorePathParameters: boolean
  /** Removed from external requests. Lower case. */
  readonly internalOnlyHeaders: readonly string[]
  readonly place: Place
}

export interface VirtualHost {
  readonly name: string
  /** Lower case: exact, `*.suffix`, `prefix.*`, `*`. */
  readonly domains: readonly string[]
  readonly routes: readonly Route[]
  readonly requireTls: 'none' | 'external-only' | 'all'
  readonly mutations: MessageMutations
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
  readonly place: Place
}

export type PathMatch =
  | { readonly kind: 'prefix'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'exact'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'separated-prefix'; readonly value: string; readonly caseSensitive: boolean }
  | { readonly kind: 'regex'; readonly regex: WholeRegex }
  | { readonly kind: 'connect' }

export interface RouteMatch {
  readonly path: PathMatch
  readonly headers: readonly HeaderMatch[]
  readonly query: readonly QueryMatch[]
  readonly grpcOnly: boolean
  /** Fraction of requests in 0..1 that match; undefined = all. */
  readonly fraction: number | undefined
  /** tls_context: whether a client certificate must (not) have been presented / validated. */
  readonly tls: { readonly presented: boolean | undefined; readonly validated: boolean | undefined } | undefined
}

export type RouteAction =
  | ForwardAction
  | RedirectAction
  | {
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
  readonly path: PathRewrite | undefined
  readonly status: number
  readonly stripQuery: boolean
}

export type PathRewrite =
  /** Replaces the whole path (redirects only). */
  | { readonly kind: 'full'; readonly path: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
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
  | { readonly kind: 'header'; readonly header: string }
  | {
      readonly kind: 'weighted'
      readonly clusters: readonly WeightedCluster[]
      readonly total: number
      /** Header whose number picks; '' = random. */ readonly headerName: string
    }

export interface WeightedCluster {
  readonly cluster:
    { readonly kind: 'cluster'; readonly name: string } | { readonly kind: 'header'; readonly header: string }
  readonly weight: number
  readonly mutations: MessageMutations
  /** '' = none. */
  readonly hostRewrite: string
  readonly perFilter: PerFilterConfig
  readonly place: Place
}

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
  /** Where to look: the line of the timeout, if it was set. */
  readonly timeoutPlace: Place
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
