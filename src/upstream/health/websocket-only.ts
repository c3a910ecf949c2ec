// Recognises the most common wrong check: an HTTP probe of a server that speaks only WebSocket (AGC's documentation warns
// of it). Such a server is well, and a TCP or WebSocket check says so.

import type { HeaderList } from '../../codec/header-list.ts'

const ADVICE = 'use a tcp or websocket check'

/** When a plain request gets no answer at all. */
export const WEBSOCKET_ONLY_SILENCE = `a server that speaks only WebSocket may leave plain requests unanswered; ${ADVICE}`

/** What to say of an answer that looks like such a server's; '' otherwise. RFC 9110 §15.5.22, RFC 6455 §4.2.2. */
export function webSocketOnlyHint(status: number, headers: HeaderList): string {
  const asks = (headers.getAll('upgrade') ?? '').toLowerCase().includes('websocket')
  const mentions = headers.has('sec-websocket-version') || headers.has('sec-websocket-accept')
  if (status !== 426 && !asks && !mentions) return ''
  return `a server that speaks only WebSocket answers plain requests so; ${ADVICE}`
}
