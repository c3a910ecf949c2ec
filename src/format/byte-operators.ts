// Operators that count bytes. Wire bytes with framing are not counted anywhere yet, so their operators are unset rather
// than nearly right.

import type { HeaderList } from '../codec/header-list.ts'
import { type OperatorFamily, plain } from './operator.ts'

export const BYTE_OPERATORS: OperatorFamily = {
  BYTES_RECEIVED: plain((facts) => facts.bytesReceived),
  BYTES_SENT: plain((facts) => facts.bytesSent),
  REQUEST_HEADERS_BYTES: plain((facts) => facts.requestHeadBytes),
  RESPONSE_HEADERS_BYTES: plain((facts) => facts.responseHeadBytes),
  RESPONSE_TRAILERS_BYTES: plain((facts) => fieldBytes(facts.responseTrailers)),
  DOWNSTREAM_HEADER_BYTES_RECEIVED: plain((facts) => facts.requestHeadBytes),
  DOWNSTREAM_HEADER_BYTES_SENT: plain((facts) => facts.responseHeadBytes),
}

function fieldBytes(fields: HeaderList | undefined): number {
  let bytes = 0
  for (const text of fields?.fields ?? []) bytes += text.length
  return bytes
}
