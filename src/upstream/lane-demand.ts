// How many connections a lane should have on their way: enough for what waits, and with preconnect_policy for what may come.
// As in Envoy: (pending + active) × ratio streams against the room that is open and on its way.

import type { UpstreamConnection } from './upstream-connection.ts'

/**
 * Dials under way at once for connections that are shared. The peer says how many streams each one carries, and one that
 * says very few must not make us open hundreds before the first of them is of use.
 */
const SHARED_DIALS = 4

/** Dials that should be under way where a connection carries one stream: `active` carry one, `idle` none. */
export function singleDials(pending: number, active: number, idle: number, ratio: number): number {
  // While requests wait no connection that is idle could serve them.
  return missing(pending, active, ratio) - (pending > 0 ? 0 : idle)
}

/**
 * Dials that should be under way where connections are shared. `room` is what one carries as far as the last peer's
 * SETTINGS told; undefined until any came.
 */
export function sharedDials(
  pending: number,
  connections: readonly UpstreamConnection[],
  room: number | undefined,
  ratio: number,
): number {
  let active = 0
  let free = 0
  let undecidedOnes = 0
  for (const connection of connections) {
    const { activeStreams, availableStreams } = connection.client
    active += activeStreams
    if (connection.retired) continue
    if (undecided(connection)) undecidedOnes++
    // An idle peer that allows no stream at all would not allow one on the next connection either.
    else if (availableStreams === 0 && activeStreams === 0) return 0
    else free += availableStreams
  }
  // The first connection tells how many are needed, so the others wait for its SETTINGS.
  if (room === undefined) return undecidedOnes > 0 ? 0 : 1
  const onTheirWay = undecidedOnes > 0 ? undecidedOnes * room : 0
  const lacking = missing(pending, active, ratio) - (pending > 0 ? 0 : free) - onTheirWay
  return lacking <= 0 ? 0 : Math.min(SHARED_DIALS, Math.max(1, Math.ceil(lacking / room)))
}

/** Its SETTINGS are on their way: how many streams it takes is not known. */
export const undecided = ({ retired, client }: UpstreamConnection): boolean =>
  !retired && client.extendedConnect === undefined

/** Streams beyond the open ones for which there should be room. The little that is taken off is rounding. */
const missing = (pending: number, active: number, ratio: number): number =>
  Math.ceil(ratio * (pending + active) - active - 1e-9)
