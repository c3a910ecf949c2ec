// What a route's WebSocket policy does to a request and its tunnel: refuses a handshake before anybody is asked, takes offers
// of extensions away, and says what the frames must keep to.

import type { RequestHead, ResponseHead } from '../../../codec/http-stream.ts'
import type { WebSocketPolicy } from '../../../config/model/websocket-policy.ts'
import type { TunnelFrameRules } from '../../../websocket/frame-guard.ts'
import { judgeHandshake } from '../../../websocket/handshake-policy.ts'
import type { TerminalSink } from '../../http-filter.ts'

/** False when the client was answered: the handshake is none, or comes from a page that may not. */
export function admitsHandshake(sink: TerminalSink, head: RequestHead, policy: WebSocketPolicy | undefined): boolean {
  if (policy === undefined) return true
  const refusal = judgeHandshake(head, policy)
  if (refusal === undefined) {
    if (policy.refuseExtensions) head.headers.remove('sec-websocket-extensions')
    return true
  }
  sink.sendLocalReply({ ...refusal, place: policy.place, closeConnection: head.tunnel !== undefined })
  return false
}

/** What the frames of an accepted tunnel must keep to; undefined = no limit is set, so nobody looks at them. */
export function frameRules(policy: WebSocketPolicy | undefined, answer: ResponseHead): TunnelFrameRules | undefined {
  if (policy === undefined) return undefined
  const { maxMessageFromClient, maxMessageFromServer, place } = policy
  if (maxMessageFromClient === undefined && maxMessageFromServer === undefined) return undefined
  return {
    maxMessageFromClient,
    maxMessageFromServer,
    extensions: answer.headers.has('sec-websocket-extensions'),
    place,
  }
}
