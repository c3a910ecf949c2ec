// Buffer filter: waits for the whole request before it goes on (Envoy: envoy.filters.http.buffer). A request that asks
// for a tunnel has no end to wait for, so it passes at once; Envoy hangs here until the idle timeout (envoy.md §2.7).

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { HttpFilterConfig } from '../../../config/model/http-filter.ts'
import type { DataVerdict, ExchangeHandle, HeadVerdict, HttpFilter, HttpFilterFactory } from '../../http-filter.ts'

type BufferConfig = Extract<HttpFilterConfig, { kind: 'buffer' }>

class BufferFilter implements HttpFilter {
  readonly #maxBytes: number
  readonly #handle: ExchangeHandle

  constructor(handle: ExchangeHandle, maxBytes: number) {
    this.#handle = handle
    this.#maxBytes = maxBytes
  }

  onRequestHead(head: RequestHead, endStream: boolean): HeadVerdict {
    if (endStream || head.tunnel !== undefined) return 'continue'
    this.#handle.setRequestBufferLimit(this.#maxBytes)
    return 'stop'
  }

  onRequestData(_buffer: Buffer, _start: number, _end: number, endStream: boolean): DataVerdict {
    return endStream ? 'continue' : 'buffer'
  }
}

export function bufferFilter(config: BufferConfig): HttpFilterFactory {
  return {
    name: config.name,
    kind: 'buffer',
    disabled: config.disabled,
    create: (handle, override) => {
      const limit = override?.kind === 'buffer' ? override.maxRequestBytes : config.maxRequestBytes
      return new BufferFilter(handle, limit)
    },
  }
}
