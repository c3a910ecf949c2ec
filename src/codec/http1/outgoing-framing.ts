// Decides how a message that this side sends is framed (RFC 9112 §6), from what its head declares and whether a body
// follows. What filters or another HTTP version left in the head is never trusted further than one clean Content-Length.

import type { HeaderList } from '../header-list.ts'
import type { RequestHead } from '../http-stream.ts'
import { parseContentLength } from './body-framing.ts'
import { anticipatesContent } from './methods.ts'

/** How body bytes are written, and the Content-Length to write: -1 = none. */
export interface OutgoingFraming {
  readonly kind: 'none' | 'length' | 'chunked' | 'until-close' | 'tunnel'
  readonly contentLength: number
}

const framing = (kind: OutgoingFraming['kind'], contentLength = -1): OutgoingFraming => ({ kind, contentLength })
const NONE = framing('none')
const EMPTY = framing('none', 0)
const CHUNKED = framing('chunked')
const UNTIL_CLOSE = framing('until-close')
const TUNNEL = framing('tunnel')

/** The framing of a request. */
export function outgoingRequestFraming(head: RequestHead, endStream: boolean): OutgoingFraming {
  const declared = declaredLength(head.headers)
  // RFC 9110 §9.3.6: CONNECT has no content. An upgrade keeps what it declares: its bytes follow the acceptance.
  if (head.tunnel !== undefined)
    return head.tunnel.kind === 'connect' || declared < 0 ? TUNNEL : framing('tunnel', declared)
  if (endStream) return declared >= 0 || anticipatesContent(head.method) ? EMPTY : NONE
  return declared >= 0 ? framing('length', declared) : CHUNKED
}

/** What a response answers, as far as its framing depends on it. */
export interface Answered {
  readonly isHead: boolean
  readonly isHttp10: boolean
  /** The response accepts an upgrade or CONNECT. */
  readonly opensTunnel: boolean
}

/** The framing of a final response or of a 101. */
export function outgoingResponseFraming(
  status: number,
  headers: HeaderList,
  endStream: boolean,
  answered: Answered,
): OutgoingFraming {
  if (answered.opensTunnel) return TUNNEL
  // RFC 9110 §8.6: no Content-Length in 1xx and 204; in 304 and answers to HEAD it describes what is not sent.
  if (status < 200 || status === 204) return NONE
  if (answered.isHead || status === 304) return framing('none', declaredLength(headers))
  if (endStream) return EMPTY
  const declared = declaredLength(headers)
  if (declared >= 0) return framing('length', declared)
  return answered.isHttp10 ? UNTIL_CLOSE : CHUNKED
}

/** The one Content-Length of `headers`; -1 when there is none, or none to rely on. */
function declaredLength(headers: HeaderList): number {
  const { fields } = headers
  let declared = -1
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'content-length') continue
    const length = parseContentLength(fields[i + 1] ?? '')
    if (length < 0 || (declared >= 0 && declared !== length)) return -1
    declared = length
  }
  return declared
}
