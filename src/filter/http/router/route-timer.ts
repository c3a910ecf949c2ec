// The clock of the route timeout. Ordinary ones are coarse and cheap; short ones are exact, where being a quarter of a
// second late would be a good part of the whole.

import { WHEEL_TICK_MS } from '../../../core/timer-wheel.ts'
import type { RouterTools } from './router-tools.ts'

/** A timeout that runs. */
export interface RouteTimer {
  cancel(): void
}

/** Timeouts below are exact. */
const EXACT_BELOW_MS = 10 * WHEEL_TICK_MS

/** Calls `fire` once, unless it is cancelled. */
export function armRouteTimeout({ clock, wheel }: RouterTools, timeoutMs: number, fire: () => void): RouteTimer {
  return timeoutMs < EXACT_BELOW_MS ? clock.after(timeoutMs, fire) : wheel.arm(timeoutMs, fire)
}
