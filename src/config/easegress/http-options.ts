// Options of the HTTP codecs as an Easegress user expects them: Go's limits and habits.

import {
  type CommonHttpOptions,
  DEFAULT_HTTP1,
  DEFAULT_HTTP2,
  type Http1ProtocolOptions,
  type Http2ProtocolOptions,
} from '../model/http-protocol.ts'

/** Go keeps an idle connection to a server for 90 s. */
export const COMMON_OPTIONS: CommonHttpOptions = {
  idleTimeoutMs: 90_000,
  maxConnectionDurationMs: undefined,
  maxStreamDurationMs: undefined,
  maxHeadersCount: 1000,
  maxResponseHeadersKb: 1024,
  maxRequestsPerConnection: undefined,
  headersWithUnderscores: 'allow',
}

export const HTTP1_OPTIONS: Http1ProtocolOptions = {
  ...DEFAULT_HTTP1,
  acceptHttp10: true,
  headerKeyFormat: 'proper-case',
}

/** WebSockets by extended CONNECT (RFC 8441) are let in, which the vendor cannot do. */
export const HTTP2_OPTIONS: Http2ProtocolOptions = { ...DEFAULT_HTTP2, allowConnect: true, maxConcurrentStreams: 250 }
