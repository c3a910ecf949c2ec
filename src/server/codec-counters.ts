// Lists the codecs' plain counters among the statistics, as `http1.*` and `http2.*` below a scope.

import { http1Stats, type Http1Stats } from '../codec/http1/stats.ts'
import { newHttp2Stats, type Http2Stats } from '../codec/http2/stats.ts'
import type { StatScope } from '../observe/stats/registry.ts'

const GAUGES: ReadonlySet<string> = new Set(['streams_active', 'pending_send_bytes', 'deferred_stream_close'])

/** Counters for both codecs, listed below `scope`. */
export function codecCounters(scope: StatScope): { readonly http1: Http1Stats; readonly http2: Http2Stats } {
  const http1 = http1Stats()
  const http2 = newHttp2Stats()
  list(scope.scope('http1.'), http1)
  list(scope.scope('http2.'), http2)
  return { http1, http2 }
}

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

function list<T extends { [K in keyof T]: number }>(scope: StatScope, stats: T): void {
  for (const name of Object.keys(stats)) {
    const field = {
      read: () => numberOf(Reflect.get(stats, name)),
      write: (value: number) => {
        Reflect.set(stats, name, value)
      },
    }
    scope.adopt(
      GAUGES.has(name) ? 'gauge' : 'counter',
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      field,
    )
  }
}
