// Operators that count bytes. Wire bytes with framing are not counted anywhere yet, so their operators are unset rather
// than nearly right.

import type { HeaderList } from '../codec/header-list.ts'
import type { RequestHead, ResponseHead } from '../codec/http-stream.ts'
import { type OperatorFamily, plain } from './operator.ts'

export const BYTE_OPERATORS: OperatorFamily = {
  BYTES_RECEIVED: plain((facts) => facts.bytesReceived),
  BYTES_SENT: plain((facts) => facts.bytesSent),
  REQUEST_HEADERS_BYTES: plain((facts) => requestBytes(facts.request)),
  RESPONSE_HEADERS_BYTES: plain((facts) => responseBytes(facts.response)),
  RESPONSE_TRAILERS_BYTES: plain((facts) => fieldBytes(facts.responseTrailers)),
}

/** Names and values of all fields with the pseudo-fields, as Envoy counts a header map. */
function requestBytes(head: RequestHead | undefined): number {
  if (head === undefined) return 0
  const { method, scheme, authority, path, headers } = head
  const pseudo = { ':method': method, ':scheme': scheme, ':authority': authority, ':path': path }
  let bytes = fieldBytes(headers)
  for (const [name, value] of Object.entries(pseudo)) if (value !== '') bytes += name.length + value.length
  return bytes
}

const responseBytes = (head: ResponseHead | undefined): number =>
  head === undefined ? 0 : ':status'.length + String(head.status).length + fieldBytes(head.headers)

function fieldBytes(fields: HeaderList | undefined): number {
  let bytes = 0
  for (const text of fields?.fields ?? []) bytes += text.length
  return bytes
}
