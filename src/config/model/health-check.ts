// Active health checks. Envoy: config.core.v3.HealthCheck; the WebSocket check is Sluice's and Easegress's; AGC's
// HealthCheckPolicy lowers to the HTTP and gRPC ones.

import type { HeaderMutations } from './header-mutation.ts'
import type { Place } from './place.ts'
import type { ProxyProtocolSend } from './proxy-protocol.ts'
import type { StringMatch } from './string-match.ts'

/** Both ends included. */
export interface StatusRange {
  readonly first: number
  readonly last: number
}

export interface HeaderExpectation {
  /** Lower case. */
  readonly name: string
  readonly match: StringMatch
}

/** What is sent and what must come back. */
export type Probe =
  | {
      readonly kind: 'http'
      readonly version: 'http1' | 'http2'
      readonly method: string
      readonly path: string
      /** '' = the cluster's name. What the endpoint wishes wins. */
      readonly host: string
      readonly headers: HeaderMutations
      readonly body: Buffer | undefined
      readonly expected: readonly StatusRange[]
      /** Statuses that count towards the unhealthy threshold instead of at once. */
      readonly retriable: readonly StatusRange[]
      readonly expectedHeaders: readonly HeaderExpectation[]
      /** Pieces that the body must hold, in this order; looked for in its first `maxBodyBytes`. */
      readonly expectedBody: readonly BodyExpectation[]
      /** 0 = as much of it as a probe ever reads. */
      readonly maxBodyBytes: number
      /** The `x-envoy-upstream-healthchecked-cluster` header must match; undefined = not asked. */
      readonly serviceName: StringMatch | undefined
    }
  | {
      readonly kind: 'tcp'
      readonly send: Buffer | undefined
      /** Must come back in this order; empty = a connection is enough. */
      readonly receive: readonly Buffer[]
      readonly proxyProtocol: ProxyProtocolSend | undefined
    }
  | {
      readonly kind: 'grpc'
      readonly service: string
      readonly authority: string
      readonly metadata: HeaderMutations
    }
  | {
      /** A real handshake (RFC 6455 §4), then Close 1000. */
      readonly kind: 'websocket'
      readonly path: string
      readonly host: string
      readonly headers: HeaderMutations
      /** Offered; the answer must choose one of them when there are any. */
      readonly subprotocols: readonly string[]
      readonly expected: readonly StatusRange[]
      readonly expectedHeaders: readonly HeaderExpectation[]
      /** A ping is sent and its pong awaited. */
      readonly ping: boolean
    }

export type BodyExpectation =
  { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'match'; readonly match: StringMatch }

export interface HealthCheck {
  /** '' when unnamed. */
  readonly name: string
  readonly probe: Probe
  readonly timeoutMs: number
  readonly intervalMs: number
  readonly unhealthyThreshold: number
  readonly healthyThreshold: number
  readonly initialJitterMs: number
  readonly intervalJitterMs: number
  /** Percent of the interval. */
  readonly intervalJitterPercent: number
  /** While the cluster had no traffic. */
  readonly noTrafficIntervalMs: number
  readonly noTrafficHealthyIntervalMs: number
  readonly unhealthyIntervalMs: number
  readonly unhealthyEdgeIntervalMs: number
  readonly healthyEdgeIntervalMs: number
  readonly reuseConnection: boolean
  /**
   * What a wrong answer (a status, body or service state that is not expected) does to a healthy endpoint. `fails`:
   * Envoy's, it is unhealthy at once unless the status is among the retriable ones; `counts`: towards the threshold, as
   * failures of the network always do. Undefined = counts.
   */
  readonly wrongAnswer?: 'fails' | 'counts' | undefined
  /**
   * What an endpoint is before its first check. `unhealthy`: Envoy's, and one success is enough then; `healthy`: counted
   * like any other. The first round is over before the cluster is warm either way.
   */
  readonly initial: 'healthy' | 'unhealthy'
  /** Undefined = the endpoint's own. */
  readonly port: number | undefined
  /** `cluster`: as the cluster's connections are. */
  readonly tls: 'cluster' | 'never' | 'unverified'
  /** ALPN that is offered in place of the cluster's. */
  readonly alpn: readonly string[]
  readonly eventLogPath: string | undefined
  readonly alwaysLogFailures: boolean
  readonly alwaysLogSuccess: boolean
  readonly place: Place
}

/** When probes go out besides `intervalMs`. */
export type Intervals = Pick<
  HealthCheck,
  | 'initialJitterMs'
  | 'intervalJitterMs'
  | 'intervalJitterPercent'
  | 'noTrafficIntervalMs'
  | 'noTrafficHealthyIntervalMs'
  | 'unhealthyIntervalMs'
  | 'unhealthyEdgeIntervalMs'
  | 'healthyEdgeIntervalMs'
>

/** The same interval whatever the state, without jitter: all that languages other than Envoy's can say. */
export const evenIntervals = (intervalMs: number): Intervals => ({
  initialJitterMs: 0,
  intervalJitterMs: 0,
  intervalJitterPercent: 0,
  noTrafficIntervalMs: intervalMs,
  noTrafficHealthyIntervalMs: intervalMs,
  unhealthyIntervalMs: intervalMs,
  unhealthyEdgeIntervalMs: intervalMs,
  healthyEdgeIntervalMs: intervalMs,
})

/** An endpoint's own wishes. Envoy: Endpoint.HealthCheckConfig. */
export interface EndpointHealthCheck {
  readonly port: number | undefined
  /** Host of the probes; '' = the check's. */
  readonly hostname: string
  /** Path of HTTP and WebSocket probes; undefined = the check's. Not Envoy's: Easegress probes each server's own URL. */
  readonly path?: string | undefined
  readonly disabled: boolean
  /** IP to probe in place of the endpoint's own. */
  readonly address: string | undefined
}
