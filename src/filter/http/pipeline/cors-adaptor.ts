// Answers preflights and marks the answers to cross-origin requests (Easegress: CORSAdaptor; WHATWG Fetch §3.2). Results:
// `preflighted`, answered here, and `rejected`, for an origin or method that is not allowed. Deviation: Easegress answers
// a rejected request with an empty 200, which looks like a success; here it is 403.

import { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { PipelineFilter } from '../../../config/model/pipeline.ts'
import type { Place } from '../../../config/model/place.ts'
import type { PipelineExchange, PipelineResponse } from './pipeline-exchange.ts'
import { NEXT, result, type StepFilter } from './step.ts'

type Cors = Extract<PipelineFilter, { kind: 'cors' }>

export function corsAdaptor(config: Cors, place: Place): StepFilter {
  const policy = new OriginPolicy(config)
  return {
    side: 'both',
    onTunnel: false,
    run(exchange, namespace) {
      const head = exchange.request(namespace)?.head
      const origin = head?.headers.get('origin') ?? ''
      if (head === undefined || origin === '') return NEXT
      const response = answerOf(exchange, namespace)
      const { headers } = response
      const asked = head.headers.get('access-control-request-method') ?? ''
      if (head.method === 'OPTIONS' && asked !== '') {
        policy.preflight(head, origin, asked, headers)
        return result('preflighted')
      }
      if (policy.actual(head, origin, headers)) return NEXT
      const explanation = 'the origin or the method is not allowed'
      exchange.answer(namespace, 403, { code: 'cors_rejected', explanation, place })
      return result('rejected')
    },
  }
}

/** The answer that is there already, to be marked; else one that is sent if nothing else answers. */
function answerOf(exchange: PipelineExchange, namespace: string): PipelineResponse {
  const known = exchange.response(namespace)
  if (known !== undefined) return known
  const reply = { code: 'direct_response', explanation: '' } as const
  const made = { status: 204, headers: new HeaderList(), body: NO_BODY, reply }
  exchange.setResponse(namespace, made)
  return made
}

const NO_BODY = Buffer.alloc(0)
const DEFAULT_METHODS = ['GET', 'POST', 'HEAD']
const DEFAULT_HEADERS = ['Origin', 'Accept', 'Content-Type', 'X-Requested-With']

class OriginPolicy {
  readonly #config: Cors
  readonly #methods: ReadonlySet<string>
  readonly #headers: ReadonlySet<string>
  readonly #anyOrigin: boolean

  constructor(config: Cors) {
    this.#config = config
    const { allowedMethods, allowedHeaders, allowedOrigins } = config
    this.#methods = new Set(allowedMethods.length === 0 ? DEFAULT_METHODS : allowedMethods)
    const headers = allowedHeaders.length === 0 ? DEFAULT_HEADERS : allowedHeaders
    this.#headers = new Set(headers.map((name) => name.toLowerCase()))
    this.#anyOrigin = allowedOrigins.length === 0 || allowedOrigins.includes('*')
  }

  preflight(head: RequestHead, origin: string, method: string, headers: HeaderList): void {
    headers.add('vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers')
    const asked = (head.headers.getAll('access-control-request-headers') ?? '').split(',').map((name) => name.trim())
    const wanted = asked.filter((name) => name !== '')
    if (!this.#allows(origin) || !this.#takes(method) || !wanted.every((name) => this.#letsThrough(name))) return
    this.#mark(origin, headers)
    headers.set('access-control-allow-methods', method)
    if (wanted.length > 0) headers.set('access-control-allow-headers', wanted.join(', '))
    const { maxAge } = this.#config
    if (maxAge !== 0) headers.set('access-control-max-age', String(Math.max(0, maxAge)))
  }

  /** False when the request is not to be answered across origins. */
  actual(head: RequestHead, origin: string, headers: HeaderList): boolean {
    headers.add('vary', 'Origin')
    if (!this.#allows(origin) || !this.#takes(head.method)) return false
    this.#mark(origin, headers)
    const { exposedHeaders } = this.#config
    if (exposedHeaders.length > 0) headers.set('access-control-expose-headers', exposedHeaders.join(', '))
    return true
  }

  #mark(origin: string, headers: HeaderList): void {
    headers.set('access-control-allow-origin', this.#anyOrigin ? '*' : origin)
    if (this.#config.allowCredentials) headers.set('access-control-allow-credentials', 'true')
  }

  #allows(origin: string): boolean {
    if (this.#anyOrigin) return true
    const lower = origin.toLowerCase()
    return this.#config.allowedOrigins.some((pattern) => matchesOrigin(pattern.toLowerCase(), lower))
  }

  #takes(method: string): boolean {
    return method === 'OPTIONS' || this.#methods.has(method)
  }

  #letsThrough(name: string): boolean {
    return this.#headers.has('*') || this.#headers.has(name.toLowerCase())
  }
}

/** One `*` stands for any text. */
function matchesOrigin(pattern: string, origin: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === origin
  const before = pattern.slice(0, star)
  const after = pattern.slice(star + 1)
  return origin.length >= before.length + after.length && origin.startsWith(before) && origin.endsWith(after)
}
