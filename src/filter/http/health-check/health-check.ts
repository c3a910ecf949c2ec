// Health check filter: answers load balancers' probes itself and fails them while the server was told to
// (Envoy: envoy.filters.http.health_check, POST /healthcheck/fail).

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { HttpFilterConfig } from '../../../config/model/http-filter.ts'
import type { HeaderMatch } from '../../../config/model/string-match.ts'
import type { ExchangeHandle, HeadVerdict, HttpFilter, HttpFilterFactory } from '../../http-filter.ts'

type HealthCheckConfig = Extract<HttpFilterConfig, { kind: 'health-check' }>

/** Whether the server is to fail its health checks, and how headers are matched. */
export interface HealthCheckTools {
  failing(): boolean
  matches(head: RequestHead, headers: readonly HeaderMatch[]): boolean
}

class HealthCheckFilter implements HttpFilter {
  readonly #handle: ExchangeHandle
  readonly #config: HealthCheckConfig
  readonly #tools: HealthCheckTools

  constructor(handle: ExchangeHandle, config: HealthCheckConfig, tools: HealthCheckTools) {
    this.#handle = handle
    this.#config = config
    this.#tools = tools
  }

  onRequestHead(head: RequestHead): HeadVerdict {
    if (!this.#tools.matches(head, this.#config.headers)) return 'continue'
    this.#handle.facts.healthCheck = true
    const failing = this.#tools.failing()
    if (this.#config.passThrough && !failing) return 'continue'
    this.#handle.sendLocalReply({
      code: 'direct_response',
      status: failing ? 503 : 200,
      details: failing ? 'health_check_failed' : 'health_check_ok',
      explanation: '',
      body: { bytes: Buffer.alloc(0), contentType: 'text/plain' },
    })
    return 'stop'
  }
}

export function healthCheckFilter(config: HealthCheckConfig, tools: HealthCheckTools): HttpFilterFactory {
  return {
    name: config.name,
    kind: 'health-check',
    disabled: config.disabled,
    create: (handle) => new HealthCheckFilter(handle, config, tools),
  }
}
