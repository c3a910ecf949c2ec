// The HTTP connection manager of a filter chain. Envoy: HttpConnectionManager v3. Milliseconds; undefined = off.

import type { AccessLogConfig, AccessLogOptions, JsonFormat, LogFilter } from './access-log.ts'
import type { AddressRange } from './address.ts'
import type { FormatTemplate } from './format-template.ts'
import type { HeaderAddition } from './header-mutation.ts'
import type { HttpFilterConfig } from './http-filter.ts'
import type { CommonHttpOptions, Http1ProtocolOptions, Http2ProtocolOptions } from './http-protocol.ts'
import type { Place } from './place.ts'
import type { RouteTable } from './route.ts'

export interface HcmUpgrade {
  readonly enabled: boolean
  /** undefined = the default chain. */
  readonly filters: readonly HttpFilterConfig[] | undefined
  readonly place: Place
}

export interface LocalReplyMapper {
  readonly filter: LogFilter
  readonly status: number | undefined
  readonly body: string | undefined
  readonly format: LocalReplyFormat | undefined
  readonly headers: readonly HeaderAddition[]
}

export interface LocalReplyFormat {
  readonly template: FormatTemplate | JsonFormat
  readonly contentType: string
}

export interface HttpConnectionManager {
  readonly kind: 'http-connection-manager'
  readonly statPrefix: string
  readonly codec: 'auto' | 'http1' | 'http2'
  readonly routes: RouteTable
  readonly filters: readonly HttpFilterConfig[]
  /** By lower-case type; `connect` for CONNECT. */
  readonly upgrades: ReadonlyMap<string, HcmUpgrade>
  readonly common: CommonHttpOptions
  readonly http1: Http1ProtocolOptions
  readonly http2: Http2ProtocolOptions
  readonly maxRequestHeadersKb: number
  readonly serverName: string
  readonly serverHeader: 'overwrite' | 'append-if-absent' | 'pass-through'
  /** '' = none, 'match-upstream', 'http', 'https'. */
  readonly schemeTransformation: '' | 'match-upstream' | 'http' | 'https'
  readonly streamIdleTimeoutMs: number | undefined
  readonly requestTimeoutMs: number | undefined
  readonly requestHeadersTimeoutMs: number | undefined
  readonly drainTimeoutMs: number
  readonly delayedCloseTimeoutMs: number | undefined
  readonly accessLogs: readonly AccessLogConfig[]
  readonly accessLogOptions: AccessLogOptions
  readonly useRemoteAddress: boolean
  readonly xffNumTrustedHops: number
  readonly skipXffAppend: boolean
  readonly appendXForwardedPort: boolean
  readonly representIpv4AsMapped: boolean
  /** '' = none. */
  readonly via: string
  readonly internalAddresses: { readonly unixSockets: boolean; readonly ranges: readonly AddressRange[] }
  readonly generateRequestId: boolean
  readonly preserveExternalRequestId: boolean
  readonly alwaysSetRequestIdInResponse: boolean
  readonly forwardClientCert: 'sanitize' | 'forward-only' | 'append-forward' | 'sanitize-set' | 'always-forward-only'
  readonly clientCertDetails: {
    readonly subject: boolean
    readonly cert: boolean
    readonly chain: boolean
    readonly dns: boolean
    readonly uri: boolean
  }
  readonly proxy100Continue: boolean
  readonly normalizePath: boolean
  readonly mergeSlashes: boolean
  readonly escapedSlashes: 'keep' | 'reject' | 'unescape-and-redirect' | 'unescape-and-forward'
  readonly stripPort: 'no' | 'matching' | 'any'
  readonly stripTrailingHostDot: boolean
  readonly streamErrorOnInvalidMessage: boolean
  readonly localReplyMappers: readonly LocalReplyMapper[]
  readonly localReplyFormat: LocalReplyFormat | undefined
  readonly addUserAgent: boolean
  readonly place: Place
}
