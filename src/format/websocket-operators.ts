// Sluice's operators for what WebSocket users ask: how it was closed, how many messages went each way, and how large they
// were. All but the sizes are unset on anything but an observed WebSocket.

import { type OperatorFamily, plain } from './operator.ts'
import type { StreamFacts, WebSocketFacts } from './stream-facts.ts'

export const WEBSOCKET_OPERATORS: OperatorFamily = {
  WEBSOCKET_CLOSE_CODE: plain((facts) => closing(facts)?.closeCode),
  WEBSOCKET_CLOSE_REASON: plain((facts) => closing(facts)?.closeReason || undefined),
  WEBSOCKET_MESSAGES_RECEIVED: plain((facts) => facts.webSocketReceived?.messages),
  WEBSOCKET_MESSAGES_SENT: plain((facts) => facts.webSocketSent?.messages),
  // Of anything else, what BYTES_RECEIVED and BYTES_SENT say.
  PAYLOAD_BYTES_RECEIVED: plain((facts) => facts.webSocketReceived?.payloadBytes ?? facts.bytesReceived),
  PAYLOAD_BYTES_SENT: plain((facts) => facts.webSocketSent?.payloadBytes ?? facts.bytesSent),
}

/**
 * The direction whose Close frame tells. Both sides usually send one and the second echoes the first (RFC 6455 §5.5.1),
 * so the one from who ended the tunnel comes first.
 */
function closing(facts: StreamFacts): WebSocketFacts | undefined {
  const fromClient = withClose(facts.webSocketReceived)
  const fromUpstream = withClose(facts.webSocketSent)
  return facts.cause?.by === 'upstream' ? (fromUpstream ?? fromClient) : (fromClient ?? fromUpstream)
}

const withClose = (direction: WebSocketFacts | undefined): WebSocketFacts | undefined =>
  direction?.closeCode === undefined ? undefined : direction
