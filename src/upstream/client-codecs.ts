// Puts a client codec on a new upstream connection, with the options of its cluster.

import type { Clock } from '../core/clock.ts'
import { http1Client } from '../codec/http1/client.ts'
import { http1ClientOptions } from '../codec/http1/options.ts'
import type { Http1Stats } from '../codec/http1/stats.ts'
import { http2Client } from '../codec/http2/client.ts'
import { http2Options } from '../codec/http2/options.ts'
import type { Http2Stats } from '../codec/http2/stats.ts'
import type { ClientConnection } from '../codec/http-stream.ts'
import type { Cluster } from '../config/model/cluster.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

export type CodecFactory = (connection: UpstreamConnection, version: 'http1' | 'http2') => ClientConnection

export interface CodecStats {
  readonly http1: Http1Stats
  readonly http2: Http2Stats
}

/** The codecs of `cluster`; options are made once. */
export function clientCodecs(cluster: Cluster, clock: Clock, stats: CodecStats): CodecFactory {
  const maxHeadBytes = cluster.common.maxResponseHeadersKb * 1024
  const one = http1ClientOptions({
    maxHeadBytes,
    maxHeaders: cluster.common.maxHeadersCount,
    allowChunkedLength: cluster.http1.allowChunkedLength,
    enableTrailers: cluster.http1.enableTrailers,
    headerKeyFormat: cluster.http1.headerKeyFormat,
    sendFullyQualifiedUrl: cluster.http1.sendFullyQualifiedUrl,
    stats: stats.http1,
  })
  const absolute = cluster.httpProxy === undefined ? one : { ...one, sendFullyQualifiedUrl: true }
  const { keepalive, ...h2 } = cluster.http2
  const two = http2Options({
    ...h2,
    clock,
    stats: stats.http2,
    maxHeaderListBytes: maxHeadBytes,
    maxHeaders: cluster.common.maxHeadersCount,
    connectionKeepalive: keepalive && {
      intervalMs: keepalive.intervalMs,
      timeoutMs: keepalive.timeoutMs,
      intervalJitterPercent: keepalive.jitterPercent,
      connectionIdleIntervalMs: keepalive.idleIntervalMs,
    },
  })
  return (connection, version) =>
    version === 'http2'
      ? http2Client(connection.stream, connection, two)
      : http1Client(connection.stream, connection, connection.toProxy ? absolute : one)
}
