// Options of the HTTP codecs with Envoy's defaults, for connection managers and clusters alike.
// Envoy: config.core.v3.HttpProtocolOptions, Http1ProtocolOptions, Http2ProtocolOptions.

import {
  type CommonHttpOptions,
  DEFAULT_HTTP1,
  DEFAULT_HTTP2,
  type Http1ProtocolOptions,
  type Http2Keepalive,
  type Http2ProtocolOptions,
  type UnderscoreAction,
} from '../model/http-protocol.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { timeout } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerStringMatch } from './lower-string-match.ts'
import {
  HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores,
  type CommonHttpProtocolOptions,
  type Http1ProtocolOptions as Http1Message,
  type Http2ProtocolOptions as Http2Message,
  type KeepaliveSettings,
} from './messages.ts'

const HOUR = 3_600_000

const UNDERSCORES: { readonly [action in Underscores]: UnderscoreAction } = {
  [Underscores.ALLOW]: 'allow',
  [Underscores.REJECT_REQUEST]: 'reject',
  [Underscores.DROP_HEADER]: 'drop',
}

/** HttpProtocolOptions of either side. */
export function lowerCommonHttp(message: CommonHttpProtocolOptions | undefined): CommonHttpOptions {
  return {
    idleTimeoutMs: timeout(message?.idleTimeout, HOUR),
    maxConnectionDurationMs: timeout(message?.maxConnectionDuration, undefined),
    maxStreamDurationMs: timeout(message?.maxStreamDuration, undefined),
    maxHeadersCount: message?.maxHeadersCount ?? 100,
    maxResponseHeadersKb: message?.maxResponseHeadersKb ?? 60,
    maxRequestsPerConnection: message?.maxRequestsPerConnection || undefined,
    headersWithUnderscores: UNDERSCORES[message?.headersWithUnderscoresAction ?? Underscores.ALLOW],
  }
}

/** `streamError` is the connection manager's own setting, which the option overrides. */
export function lowerHttp1(
  loading: Loading,
  message: Http1Message | undefined,
  spot: Spot,
  streamError = false,
): Http1ProtocolOptions {
  if (message?.acceptHttp10 !== true && (message?.defaultHostForHttp10 ?? '') !== '') {
    loading.warning(spot.field('default_host_for_http_10'), 'has no effect without accept_http_10')
  }
  return {
    allowAbsoluteUrl: message?.allowAbsoluteUrl ?? DEFAULT_HTTP1.allowAbsoluteUrl,
    acceptHttp10: message?.acceptHttp10 ?? DEFAULT_HTTP1.acceptHttp10,
    defaultHostForHttp10: message?.defaultHostForHttp10 ?? DEFAULT_HTTP1.defaultHostForHttp10,
    headerKeyFormat: message?.headerKeyFormat?.headerFormat.case === 'properCaseWords' ? 'proper-case' : 'lower',
    enableTrailers: message?.enableTrailers ?? DEFAULT_HTTP1.enableTrailers,
    allowChunkedLength: message?.allowChunkedLength ?? DEFAULT_HTTP1.allowChunkedLength,
    streamErrorOnInvalidMessage: message?.overrideStreamErrorOnInvalidHttpMessage ?? streamError,
    sendFullyQualifiedUrl: message?.sendFullyQualifiedUrl ?? DEFAULT_HTTP1.sendFullyQualifiedUrl,
    allowCustomMethods: message?.allowCustomMethods ?? DEFAULT_HTTP1.allowCustomMethods,
    ignoreUpgrade: each(message?.ignoreHttp11Upgrade ?? [], spot.field('ignore_http_11_upgrade'), (matcher, at) =>
      lowerStringMatch(loading, matcher, at),
    ),
  }
}

/** As `lowerHttp1`. */
export function lowerHttp2(
  loading: Loading,
  message: Http2Message | undefined,
  spot: Spot,
  streamError = false,
): Http2ProtocolOptions {
  const override =
    message?.overrideStreamErrorOnInvalidHttpMessage ?? (message?.streamErrorOnInvalidHttpMessaging || undefined)
  return {
    allowConnect: message?.allowConnect ?? DEFAULT_HTTP2.allowConnect,
    hpackTableSize: message?.hpackTableSize ?? DEFAULT_HTTP2.hpackTableSize,
    maxConcurrentStreams: message?.maxConcurrentStreams ?? DEFAULT_HTTP2.maxConcurrentStreams,
    initialStreamWindowSize: message?.initialStreamWindowSize ?? DEFAULT_HTTP2.initialStreamWindowSize,
    initialConnectionWindowSize: message?.initialConnectionWindowSize ?? DEFAULT_HTTP2.initialConnectionWindowSize,
    maxOutboundFrames: message?.maxOutboundFrames ?? DEFAULT_HTTP2.maxOutboundFrames,
    maxOutboundControlFrames: message?.maxOutboundControlFrames ?? DEFAULT_HTTP2.maxOutboundControlFrames,
    maxConsecutiveInboundFramesWithEmptyPayload:
      message?.maxConsecutiveInboundFramesWithEmptyPayload ?? DEFAULT_HTTP2.maxConsecutiveInboundFramesWithEmptyPayload,
    maxInboundPriorityFramesPerStream:
      message?.maxInboundPriorityFramesPerStream ?? DEFAULT_HTTP2.maxInboundPriorityFramesPerStream,
    maxInboundWindowUpdateFramesPerDataFrameSent:
      message?.maxInboundWindowUpdateFramesPerDataFrameSent ??
      DEFAULT_HTTP2.maxInboundWindowUpdateFramesPerDataFrameSent,
    streamErrorOnInvalidMessage: override ?? streamError,
    customSettings: customSettings(loading, message, spot.field('custom_settings_parameters')),
    keepalive: lowerKeepalive(loading, message?.connectionKeepalive, spot.field('connection_keepalive')),
  }
}

/** RFC 9113 §6.5.2 names; the ones that a field of its own sets may not stand here with another value. */
const NAMED_SETTINGS: ReadonlyMap<number, 'hpackTableSize' | 'maxConcurrentStreams' | 'initialStreamWindowSize'> =
  new Map([
    [0x1, 'hpackTableSize'],
    [0x3, 'maxConcurrentStreams'],
    [0x4, 'initialStreamWindowSize'],
  ] as const)

function customSettings(
  loading: Loading,
  message: Http2Message | undefined,
  spot: Spot,
): Http2ProtocolOptions['customSettings'] {
  const seen = new Map<number, number>()
  for (const [index, parameter] of (message?.customSettingsParameters ?? []).entries()) {
    const at = spot.at(index)
    const id = parameter.identifier ?? 0
    const value = parameter.value ?? 0
    const named = NAMED_SETTINGS.get(id)
    const other = named === undefined ? undefined : message?.[named]
    if (id === 0x2)
      loading.error(at, 'server push is not supported by Envoy and can not be enabled via a SETTINGS parameter.')
    else if (id === 0x8) {
      loading.error(at, 'the "allow_connect" SETTINGS parameter must only be configured through the named field')
    } else if (other !== undefined && other !== value) {
      loading.error(at, `the value differs from the one of the named field (${other})`, 'keep one of the two')
    } else if (seen.has(id) && seen.get(id) !== value) {
      loading.error(
        at,
        `inconsistent HTTP/2 custom SETTINGS parameter(s) detected; identifiers = {0x${id.toString(16)}}`,
      )
    }
    seen.set(id, value)
  }
  return [...seen].map(([id, value]) => ({ id, value }))
}

function lowerKeepalive(
  loading: Loading,
  message: KeepaliveSettings | undefined,
  spot: Spot,
): Http2Keepalive | undefined {
  if (message === undefined) return undefined
  const intervalMs = timeout(message.interval, undefined)
  const idleIntervalMs = timeout(message.connectionIdleInterval, undefined)
  if (intervalMs === undefined && idleIntervalMs === undefined) {
    loading.error(spot, 'needs interval or connection_idle_interval', 'interval: 30s sends a PING every half minute')
  }
  return {
    intervalMs,
    timeoutMs: timeout(message.timeout, 0) ?? 0,
    jitterPercent: message.intervalJitter?.value ?? 15,
    idleIntervalMs,
  }
}
