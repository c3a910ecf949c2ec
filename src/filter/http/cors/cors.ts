// CORS filter: answers preflights and marks answers by the policy of the route (Envoy: envoy.filters.http.cors; Gateway API:
// HTTPCORSFilter; WHATWG Fetch §3.2). It lets every upgrade pass: browsers open WebSockets without asking.
// Deviation: answers that depend on the origin say so in Vary, which Envoy leaves to the upstream.

import type { RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { HttpFilterConfig } from '../../../config/model/http-filter.ts'
import type { CorsPolicy } from '../../../config/model/cors.ts'
import { compileStringMatch } from '../../../route/string-test.ts'
import type { ExchangeHandle, HeadVerdict, HttpFilter, HttpFilterFactory, LocalReply } from '../../http-filter.ts'
import { actualFields, preflightFields, type Fields } from './cors-fields.ts'

type CorsConfig = Extract<HttpFilterConfig, { kind: 'cors' }>

class CorsFilter implements HttpFilter {
  readonly #handle: ExchangeHandle
  readonly #policy: CorsPolicy
  readonly #allows: (origin: string) => boolean
  /** Of a cross-origin request that is allowed; '' otherwise. */
  #origin = ''

  constructor(handle: ExchangeHandle, policy: CorsPolicy, allows: (origin: string) => boolean) {
    this.#handle = handle
    this.#policy = policy
    this.#allows = allows
  }

  onRequestHead(head: RequestHead): HeadVerdict {
    const origin = head.headers.get('origin')
    if (origin === undefined || head.tunnel !== undefined) return 'continue'
    const preflight = head.method === 'OPTIONS' && head.headers.has('access-control-request-method')
    const allowed = this.#allows(origin)
    if (preflight && allowed) return this.#answer(preflightFields(this.#policy, origin, head.headers))
    if (preflight && this.#policy.keepUnmatchedPreflights === true) return this.#answer([['vary', 'Origin']])
    if (allowed) this.#origin = origin
    return 'continue'
  }

  onResponseHead({ headers }: ResponseHead): HeadVerdict {
    if (this.#origin === '') return 'continue'
    for (const [name, value] of actualFields(this.#policy, this.#origin, headers)) {
      if (name === 'vary') headers.add(name, value)
      else headers.set(name, value)
    }
    return 'continue'
  }

  /** A page may read the proxy's own answers as it may read the upstream's. */
  onLocalReply(reply: LocalReply): LocalReply {
    if (this.#origin === '') return reply
    const fields = actualFields(this.#policy, this.#origin, undefined)
    const names = new Set(fields.map(([name]) => name).filter((name) => name !== 'vary'))
    return { ...reply, headers: [...(reply.headers ?? []).filter(([name]) => !names.has(name)), ...fields] }
  }

  #answer(headers: Fields): HeadVerdict {
    this.#handle.sendLocalReply({
      code: 'direct_response',
      status: 200,
      details: 'cors_response',
      explanation: '',
      headers,
      body: { bytes: Buffer.alloc(0), contentType: 'text/plain' },
    })
    return 'stop'
  }
}

const PASS: HttpFilter = {}

/** Makes the filter; the policy is the route's, else the virtual host's, else the filter's own. */
export function corsFilter(config: CorsConfig): HttpFilterFactory {
  const known = new WeakMap<CorsPolicy, (origin: string) => boolean>()
  return {
    name: config.name,
    kind: 'cors',
    disabled: config.disabled,
    create: (handle, override) => {
      const policy = (override?.kind === 'cors' ? override.policy : undefined) ?? config.policy
      if (policy === undefined) return PASS
      const allows = known.get(policy) ?? compileOrigins(policy)
      known.set(policy, allows)
      return new CorsFilter(handle, policy, allows)
    },
  }
}

function compileOrigins({ allowOrigins }: CorsPolicy): (origin: string) => boolean {
  const tests = allowOrigins.map(compileStringMatch)
  return (origin) => tests.some((test) => test(origin))
}
