// Options of the HTTP codecs on both sides, with the defaults of the Gateway's class. AGC: connections idle 5 min.

import {
  type CommonHttpOptions,
  DEFAULT_HTTP1,
  DEFAULT_HTTP2,
  type Http1ProtocolOptions,
  type Http2ProtocolOptions,
} from '../model/http-protocol.ts'
import type { Flavour } from './working.ts'

const MINUTE_MS = 60_000

export const defaultCommonHttp = (flavour: Flavour): CommonHttpOptions => ({
  idleTimeoutMs: flavour === 'agc' ? 5 * MINUTE_MS : 60 * MINUTE_MS,
  maxConnectionDurationMs: undefined,
  maxStreamDurationMs: undefined,
  maxHeadersCount: 100,
  maxResponseHeadersKb: 60,
  maxRequestsPerConnection: undefined,
  headersWithUnderscores: 'allow',
})

export const defaultHttp1: Http1ProtocolOptions = { ...DEFAULT_HTTP1, acceptHttp10: true, allowCustomMethods: true }

/** WebSockets of HTTP/2 clients (RFC 8441) are let in; one bad request does not end the others' connection. */
export const defaultHttp2: Http2ProtocolOptions = {
  ...DEFAULT_HTTP2,
  allowConnect: true,
  streamErrorOnInvalidMessage: true,
}
