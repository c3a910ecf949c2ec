// What every upstream connection adds to the statistics of its cluster and endpoint, pooled or not.

import type { CloseCause } from '../core/close-cause.ts'
import type { ClusterStats } from '../cluster/cluster-stats.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import { observe } from '../observe/stats/registry.ts'
import type { ByteStream } from '../transport/byte-stream.ts'

/** A connection stands. */
export function connectionOpened(stats: ClusterStats, endpoint: Endpoint): void {
  stats.upstreamCxTotal.value++
  stats.upstreamCxActive.value++
  endpoint.stats.cxTotal++
  endpoint.stats.cxActive++
}

/** A connection is gone after `lengthMs`. */
export function connectionClosed(
  stats: ClusterStats,
  endpoint: Endpoint,
  stream: ByteStream,
  lengthMs: number,
  cause: CloseCause,
): void {
  endpoint.stats.cxActive--
  stats.upstreamCxActive.value--
  stats.upstreamCxDestroy.value++
  const destroyed = cause.by === 'upstream' ? stats.upstreamCxDestroyRemote : stats.upstreamCxDestroyLocal
  destroyed.value++
  if (cause.code === 'upstream_protocol_error') stats.upstreamCxProtocolError.value++
  stats.upstreamCxRxBytesTotal.value += stream.bytesRead
  stats.upstreamCxTxBytesTotal.value += stream.bytesWritten
  observe(stats.upstreamCxLengthMs, lengthMs)
}
