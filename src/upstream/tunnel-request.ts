// What an upgrade or CONNECT asks of one upstream attempt, and whether the answer agrees. Adds the Sec-WebSocket-Key
// that an HTTP/1.1 server needs when the client came by HTTP/2 and sent none (envoy.md §2.4), for this attempt only.

import type { ErrorCode } from '../core/errors.ts'
import type { HttpProtocol, RequestHead, ResponseHead, TunnelIntent } from '../codec/http-stream.ts'
import { isWebSocket } from '../codec/upgrade-translation.ts'
import { acceptFor, newKey } from '../websocket/handshake.ts'
import { unofferedSelection } from '../websocket/handshake-selection.ts'

export type TunnelOutcome =
  | { readonly kind: 'accepted' }
  /** A final answer that opens nothing: it passes to the client. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'invalid'; readonly code: ErrorCode; readonly explanation: string }

export interface TunnelRequest {
  /** The head to send: the given one, or a copy with a key. */
  readonly head: RequestHead
  /** Reads the answer. Removes the accept value that belongs to a synthesised key. */
  judge(answer: ResponseHead): TunnelOutcome
}

const ACCEPTED: TunnelOutcome = { kind: 'accepted' }
const REFUSED: TunnelOutcome = { kind: 'refused' }

/** `vouches`: the route has a WebSocket policy, so an answer that selects what was not offered is none. */
export function tunnelRequest(head: RequestHead, upstream: HttpProtocol, vouches = false): TunnelRequest {
  const asked = keyed(head, upstream)
  if (!vouches || head.tunnel?.kind !== 'upgrade' || !isWebSocket(head.tunnel.type)) return asked
  return {
    head: asked.head,
    judge(answer) {
      const outcome = asked.judge(answer)
      const wrong = outcome.kind === 'accepted' ? unofferedSelection(head.headers, answer.headers) : undefined
      if (wrong === undefined) return outcome
      return { kind: 'invalid', code: 'websocket_invalid_selection', explanation: `the upstream selected ${wrong}` }
    },
  }
}

function keyed(head: RequestHead, upstream: HttpProtocol): TunnelRequest {
  const { tunnel } = head
  const oldUpstream = upstream === 'HTTP/1.1' || upstream === 'HTTP/1.0'
  const newDownstream = head.protocol === 'HTTP/2' || head.protocol === 'HTTP/3'
  const needsKey =
    oldUpstream &&
    newDownstream &&
    tunnel?.kind === 'upgrade' &&
    isWebSocket(tunnel.type) &&
    !head.headers.has('sec-websocket-key')
  if (!needsKey) return { head, judge: (answer) => withAccept(head, agrees(tunnel, answer), answer) }
  const key = newKey()
  const headers = head.headers.clone()
  headers.add('sec-websocket-key', key)
  if (!headers.has('sec-websocket-version')) headers.add('sec-websocket-version', '13')
  return { head: { ...head, headers }, judge: (answer) => verified(tunnel, answer, key) }
}

function agrees(tunnel: TunnelIntent | undefined, answer: ResponseHead): TunnelOutcome {
  if (tunnel?.kind === 'connect') return answer.status >= 200 && answer.status < 300 ? ACCEPTED : REFUSED
  return answer.status === 101 ? ACCEPTED : REFUSED
}

/** RFC 8441 §5: an HTTP/2 origin has no use for the key and answers no accept; an HTTP/1.1 client needs one. */
function withAccept(head: RequestHead, outcome: TunnelOutcome, answer: ResponseHead): TunnelOutcome {
  const key = head.headers.get('sec-websocket-key')
  if (
    outcome.kind === 'accepted' &&
    head.tunnel?.kind === 'upgrade' &&
    isWebSocket(head.tunnel.type) &&
    key !== undefined
  ) {
    if (!answer.headers.has('sec-websocket-accept')) answer.headers.add('sec-websocket-accept', acceptFor(key))
  }
  return outcome
}

function verified(tunnel: TunnelIntent | undefined, answer: ResponseHead, key: string): TunnelOutcome {
  const outcome = agrees(tunnel, answer)
  if (outcome.kind !== 'accepted') return outcome
  const accepts = answer.headers.values('sec-websocket-accept')
  answer.headers.remove('sec-websocket-accept')
  if (accepts.length === 1 && accepts[0] === acceptFor(key)) return ACCEPTED
  const seen = accepts.length === 0 ? 'no Sec-WebSocket-Accept' : 'a wrong Sec-WebSocket-Accept'
  return { kind: 'invalid', code: 'websocket_invalid_accept', explanation: `the upstream answered 101 with ${seen}` }
}
