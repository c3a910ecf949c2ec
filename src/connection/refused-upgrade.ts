// Keeps a refused upgrade a refusal on the way to a client by HTTP/2 or HTTP/3, where every 2xx accepts (RFC 8441 §5.1,
// RFC 9220 §3): an origin that ignores Upgrade answers 200, and so may a route, a filter or a rewritten local reply.

import type { ResponseHead } from '../codec/http-stream.ts'
import type { Exchange } from './exchange.ts'
import { REASON_HEADER, reasonValue } from './local-reply.ts'

/** Makes a 2xx that is no acceptance a 502; fields and body stay, and say what was answered. */
export function keepRefusal(head: ResponseHead, { facts, head: request, stream }: Exchange): void {
  const { status } = head
  if (facts.tunnelled || request.tunnel?.kind !== 'upgrade' || status < 200 || status > 299) return
  if (stream.protocol === 'HTTP/1.1' || stream.protocol === 'HTTP/1.0') return
  head.status = 502
  head.reason = ''
  const explanation = `the upgrade was answered with ${status}, which ${stream.protocol} would take for an acceptance`
  head.headers.set(REASON_HEADER, reasonValue({ code: 'websocket_handshake_unsuccessful', explanation }))
}
