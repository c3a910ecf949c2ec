// How long a stream, a WebSocket among them, may stay silent and how long it may live. The Gateway API has no fields for
// either, and its request timeout ends at the 101; so Sluice takes annotations, of the route or else of its Gateway.

import type { ForwardAction } from '../../model/route.ts'
import { goDuration } from '../kinds/alb-target.ts'
import type { Resource } from '../resource.ts'
import type { Working } from '../working.ts'

/** Without bytes in either direction; ping and pong are bytes. `0s` = for ever. */
export const IDLE_ANNOTATION = 'sluice.dev/stream-idle-timeout'
/** From the request's first byte to the end, whatever moves. `0s` = for ever. */
export const DURATION_ANNOTATION = 'sluice.dev/max-stream-duration'

export type StreamLimits = Pick<ForwardAction, 'idleTimeoutMs' | 'maxStreamDurationMs'>

/** What is no duration is said, and the class's default holds. */
export function streamLimits(working: Working, route: Resource, gateway: Resource): StreamLimits {
  return {
    idleTimeoutMs: limit(working, IDLE_ANNOTATION, route, gateway),
    maxStreamDurationMs: limit(working, DURATION_ANNOTATION, route, gateway),
  }
}

function limit(working: Working, name: string, route: Resource, gateway: Resource): number | undefined | 'inherit' {
  const object = route.annotations[name] === undefined ? gateway : route
  const text = object.annotations[name]
  if (text === undefined) return 'inherit'
  const { data, success } = goDuration.safeParse(text)
  if (success && data >= 0) return data === 0 ? undefined : data
  const at = object.spot.field('metadata').field('annotations').key(name)
  working.error(at, `"${text}" is not a duration such as 30s or 5m; the default holds`)
  return 'inherit'
}
