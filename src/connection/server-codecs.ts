// Puts a server codec on a downstream connection, with the options of its connection manager.

import type { Clock } from '../core/clock.ts'
import type { ErrorCode } from '../core/errors.ts'
import { serveHttp1 } from '../codec/http1/server.ts'
import { http1ServerOptions, type Http1ServerOptions, type Refusal } from '../codec/http1/options.ts'
import type { Http1Stats } from '../codec/http1/stats.ts'
import { serveHttp2 } from '../codec/http2/server.ts'
import { http2Options, type Http2Options } from '../codec/http2/options.ts'
import type { Http2Stats } from '../codec/http2/stats.ts'
import type { ServerConnection } from '../codec/http-stream.ts'
import type { HttpConnectionManager } from '../config/model/http-connection-manager.ts'
import { compileStringMatch } from '../route/string-test.ts'
import type { ByteStream } from '../transport/byte-stream.ts'
import type { DownstreamConnection } from './connection.ts'
import { reasonValue, REASON_HEADER } from './local-reply.ts'

export interface ServerCodecs {
  http1(stream: ByteStream, connection: DownstreamConnection): ServerConnection
  http2(stream: ByteStream, connection: DownstreamConnection): ServerConnection
}

/** The codecs of `config`; options are made once, for both schemes. */
export function serverCodecs(
  config: HttpConnectionManager,
  clock: Clock,
  stats: { http1: Http1Stats; http2: Http2Stats },
): ServerCodecs {
  const one = { http: http1Options(config, stats.http1, 'http'), https: http1Options(config, stats.http1, 'https') }
  const two = http2ServerOptions(config, clock, stats.http2)
  return {
    http1: (stream, connection) => serveHttp1(stream, connection, { ...one[connection.scheme], hooks: connection }),
    http2: (stream, connection) => serveHttp2(stream, connection, two),
  }
}

function http1Options(config: HttpConnectionManager, stats: Http1Stats, scheme: 'http' | 'https'): Http1ServerOptions {
  const { http1, common } = config
  const ignored = http1.ignoreUpgrade.map(compileStringMatch)
  return http1ServerOptions({
    scheme,
    maxHeadBytes: config.maxRequestHeadersKb * 1024,
    maxHeaders: common.maxHeadersCount,
    allowChunkedLength: http1.allowChunkedLength,
    enableTrailers: http1.enableTrailers,
    headersWithUnderscores: common.headersWithUnderscores,
    headerKeyFormat: http1.headerKeyFormat,
    acceptHttp10: http1.acceptHttp10,
    defaultHostForHttp10: http1.defaultHostForHttp10,
    allowAbsoluteUrl: http1.allowAbsoluteUrl,
    allowCustomMethods: http1.allowCustomMethods,
    ignoreUpgrade: (token) => ignored.some((test) => test(token)),
    streamErrorOnInvalidMessage: http1.streamErrorOnInvalidMessage,
    refusal: explainRefusal,
    stats,
  })
}

function explainRefusal(code: ErrorCode, detail: string): Refusal {
  return {
    fields: ['content-type', 'text/plain', REASON_HEADER, reasonValue({ code, explanation: detail })],
    body: `${detail}\n`,
  }
}

function http2ServerOptions(config: HttpConnectionManager, clock: Clock, stats: Http2Stats): Http2Options {
  const { keepalive, ...h2 } = config.http2
  return http2Options({
    ...h2,
    clock,
    stats,
    maxHeaderListBytes: config.maxRequestHeadersKb * 1024,
    maxHeaders: config.common.maxHeadersCount,
    headersWithUnderscores: config.common.headersWithUnderscores,
    drainTimeoutMs: config.drainTimeoutMs,
    streamFlushTimeoutMs: config.streamIdleTimeoutMs ?? 0,
    connectionKeepalive: keepalive && {
      intervalMs: keepalive.intervalMs,
      timeoutMs: keepalive.timeoutMs,
      intervalJitterPercent: keepalive.jitterPercent,
      connectionIdleIntervalMs: keepalive.idleIntervalMs,
    },
  })
}
