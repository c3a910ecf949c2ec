// Counts a final response by its class.

import type { HcmStats } from './hcm-stats.ts'

/** `downstream_rq_{1..5}xx` and `downstream_rq_completed`. A 101 counts as 1xx, as in Envoy (envoy.md §2.12). */
export function countResponse(stats: HcmStats, status: number): void {
  stats.rqCompleted.value++
  if (status < 200) stats.rq1xx.value++
  else if (status < 300) stats.rq2xx.value++
  else if (status < 400) stats.rq3xx.value++
  else if (status < 500) stats.rq4xx.value++
  else stats.rq5xx.value++
}
