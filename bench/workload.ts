// What one row of the benchmark is: the shape of the proxy under test and the load on it.

export type HttpVersion = 'http1' | 'http2'

/** How a proxy has to be configured for a workload. Proxies of one shape are started once and serve all its workloads. */
export interface Shape {
  readonly downstream: HttpVersion
  readonly tls: boolean
  readonly upstream: HttpVersion
  readonly workers: number
  /** Two proxies in a row that meet over HTTP/2: HTTP/1.1 → HTTP/2 → HTTP/1.1. CPU is summed over both. */
  readonly chain: boolean
  /**
   * Absent: the proxy speaks HTTP. `forward`: it passes TCP bytes on. `enter` and `leave`: the two ends of a tunnel through
   * HTTP/2 CONNECT; in a chain, peers that have no such tunnel pass TCP bytes on twice.
   */
  readonly tcp?: 'forward' | 'enter' | 'leave'
}

export type Job = 'echo' | 'rate' | 'up' | 'down' | 'setup' | 'request' | 'idle'

/** Arguments of the load generator; see load/options.h. */
export interface Load {
  readonly job: Job
  readonly connections: number
  readonly streams?: number
  /** WebSocket payload or response body in bytes; 64 when absent. */
  readonly size?: number
  readonly burst?: number
  readonly rate?: number
}

export type Unit = 'µs' | 'ms per GB' | 'KiB'

export interface Workload {
  readonly id: string
  readonly group: string
  readonly title: string
  readonly unit: Unit
  readonly shape: Shape
  readonly load: Load
}

export function shapeKey(shape: Shape): string {
  const tls = shape.tls ? '+tls' : ''
  return `${shape.tcp ?? ''}${shape.downstream}${tls}-${shape.chain ? 'http2-' : ''}${shape.upstream}-x${shape.workers}`
}
