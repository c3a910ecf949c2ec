// RateLimiter: policies, and which URLs come under which.

import { z } from 'zod'
import { duration, integer, name, text } from './scalar.ts'
import { urlRuleFields } from './string-matcher.ts'

export const rateLimiter = z.object({
  kind: text,
  name: text,
  policies: z.array(
    z.object({
      name,
      timeoutDuration: duration.optional(),
      limitRefreshPeriod: duration.optional(),
      limitForPeriod: integer(1).optional(),
    }),
  ),
  defaultPolicyRef: text.optional(),
  urls: z.array(z.object({ ...urlRuleFields, policyRef: text.optional() })),
})

export type RateLimiterSpec = z.output<typeof rateLimiter>
