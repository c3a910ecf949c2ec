// Waiting between attempts. Envoy: config.core.v3.BackoffStrategy.

import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { milliseconds } from './lower-duration.ts'
import type { BackoffStrategy } from './messages.ts'

/** undefined = no waiting. */
export function lowerBackoff(
  loading: Loading,
  message: BackoffStrategy | undefined,
  spot: Spot,
): { readonly baseMs: number; readonly maxMs: number } | undefined {
  // Without base_interval the rules have already said so.
  if (message?.baseInterval === undefined) return undefined
  const baseMs = milliseconds(message.baseInterval)
  const maxMs = message.maxInterval === undefined ? baseMs * 10 : milliseconds(message.maxInterval)
  if (maxMs < baseMs)
    loading.error(
      spot.field('max_interval'),
      'max_backoff_interval must be greater or equal to base_backoff_interval',
      'leave max_interval out for ten times base_interval',
    )
  return { baseMs, maxMs }
}
