// Lets so many requests through per period; more wait for a turn in a coming period, or are refused with 429 when it would
// come too late (Easegress: RateLimiter). The first rule that matches decides.

import type { Clock } from '../../../core/clock.ts'
import type { PipelineFilter, UrlRule } from '../../../config/model/pipeline.ts'
import type { Place } from '../../../config/model/place.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import { compileStringMatch } from '../../../route/string-test.ts'
import { pathOf } from '../../../route/target.ts'
import { PeriodLimit } from './period-limit.ts'
import type { PipelineExchange } from './pipeline-exchange.ts'
import { NEXT, result, type StepFilter } from './step.ts'

type RateLimiter = Extract<PipelineFilter, { kind: 'rate-limiter' }>

export function rateLimiter(config: RateLimiter, place: Place, clock: Clock): StepFilter {
  const rules = config.rules.map((rule) => ({
    matches: compileUrlRule(rule),
    limit: new PeriodLimit(rule.policy, clock),
    policy: rule.policy,
  }))
  return {
    side: 'request',
    onTunnel: false,
    run(exchange, namespace, resume) {
      const head = exchange.request(namespace)?.head
      const rule = head === undefined ? undefined : rules.find(({ matches }) => matches(head))
      if (rule === undefined) return NEXT
      const waitMs = rule.limit.acquire()
      if (waitMs === undefined) {
        refuse(exchange, namespace, place, rule.policy)
        return LIMITED
      }
      if (waitMs <= 0) return NEXT
      const timer = exchange.clock.after(waitMs, () => resume(''))
      return { kind: 'waiting', cancel: () => timer.cancel() }
    },
  }
}

const LIMITED = result('rateLimited')

function refuse(
  exchange: PipelineExchange,
  namespace: string,
  place: Place,
  policy: RateLimiter['rules'][number]['policy'],
): void {
  const { limitForPeriod, refreshPeriodMs, timeoutMs } = policy
  exchange.answer(namespace, 429, {
    code: 'request_rate_limited',
    explanation: `${limitForPeriod} requests pass every ${refreshPeriodMs} ms, and a turn within ${timeoutMs} ms is not free`,
    place,
    headers: [['x-eg-rate-limiter', 'too-many-requests']],
  })
}

function compileUrlRule(rule: UrlRule): (head: RequestHead) => boolean {
  const methods = new Set(rule.methods)
  const tests = rule.url.map(compileStringMatch)
  return (head) => {
    if (methods.size > 0 && !methods.has(head.method)) return false
    const path = pathOf(head.path)
    return tests.length === 0 || tests.some((test) => test(path))
  }
}
