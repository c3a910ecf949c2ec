// Facts of a connection that never became HTTP, for the listener's own access log.

import { errorEntry } from '../core/errors.ts'
import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { ConnectionId } from '../core/ids.ts'
import { addFlag, blankFacts } from '../format/blank-facts.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'

export function connectionFacts(
  info: StreamInfo,
  listenerName: string,
  id: ConnectionId,
  cause: CloseCause,
  clock: Clock,
): StreamFacts {
  const facts = blankFacts(clock, id, info, { listenerName, filterChainName: '' }, undefined)
  const { flag, detail } = errorEntry(cause.code)
  addFlag(facts, flag)
  facts.responseCodeDetails = detail
  facts.cause = cause
  if (cause.by === 'proxy') facts.localCloseReason = cause.code === 'rbac_access_denied' ? cause.detail : detail
  facts.logType = 'TcpConnectionEnd'
  facts.times.end = facts.now
  return facts
}
