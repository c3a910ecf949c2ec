// Decides how long a message's body is (RFC 9112 §6.3). Two readers that disagree here make request smuggling, so what
// RFC 9112 lets a recipient repair is refused.

import { FAULT, type HeadFault } from './head-fault.ts'
import type { FieldSection } from './field-section.ts'

export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  /** Responses only. */
  | { readonly kind: 'until-close' }
  /** Everything that follows the head is tunnel payload, once accepted. */
  | { readonly kind: 'tunnel' }
  | { readonly kind: 'invalid'; readonly fault: HeadFault }

const NO_BODY: BodyFraming = { kind: 'none' }
const CHUNKED: BodyFraming = { kind: 'chunked' }
const UNTIL_CLOSE: BodyFraming = { kind: 'until-close' }
export const TUNNEL: BodyFraming = { kind: 'tunnel' }
const invalid = (fault: HeadFault): BodyFraming => ({ kind: 'invalid', fault })

/** What a request is, as far as its body depends on it. */
export type RequestKind = 'plain' | 'upgrade' | 'connect'

/** The body of a request. `length` of the result is also what Content-Length goes on as. */
export function requestFraming(
  section: FieldSection,
  kind: RequestKind,
  isHttp10: boolean,
  allowChunkedLength: boolean,
): BodyFraming {
  if (kind === 'connect') return connectFraming(section)
  const framing = announcedFraming(section, isHttp10, allowChunkedLength)
  if (framing.kind === 'invalid') return framing
  // An announced body of an upgrade request is not looked into: it is held with the payload, and if the upgrade is
  // refused the connection ends with it, so it can never be taken for a next request.
  return kind === 'upgrade' ? TUNNEL : framing
}

// RFC 9110 §9.3.6: a CONNECT request has no content; what follows its head belongs to the tunnel.
function connectFraming(section: FieldSection): BodyFraming {
  if (section.transferEncoding !== undefined) return invalid(FAULT.connectCoding)
  const announced = announcedFraming(section, false, false)
  if (announced.kind === 'invalid') return announced
  return announced.kind === 'length' && announced.length > 0 ? invalid(FAULT.connectBody) : TUNNEL
}

/** What Content-Length and Transfer-Encoding say, for both directions. `none` when neither is there. */
function announcedFraming(section: FieldSection, isHttp10: boolean, allowChunkedLength: boolean): BodyFraming {
  const { contentLength, contentLengthLines, transferEncoding } = section
  if (contentLength === undefined && transferEncoding === undefined) return NO_BODY
  if (transferEncoding !== undefined) {
    // RFC 9112 §6.1: an HTTP/1.0 peer that sends Transfer-Encoding has faulty framing.
    if (isHttp10) return invalid(FAULT.codingInHttp10)
    if (contentLength !== undefined && !allowChunkedLength) return invalid(FAULT.lengthAndChunked)
    return transferEncoding.toLowerCase() === 'chunked' ? CHUNKED : invalid(FAULT.coding)
  }
  // RFC 9112 §6.3 rule 5 lets identical repetitions be merged; peers differ in which they take, so none is.
  if (contentLengthLines > 1) return invalid(FAULT.lengthRepeated)
  const length = parseContentLength(contentLength ?? '')
  if (length < 0) return invalid(FAULT.length)
  return { kind: 'length', length }
}

/** The value of a Content-Length (RFC 9110 §8.6: digits only), or -1. */
export function parseContentLength(value: string): number {
  if (value === '' || value.length > 16) return -1
  let length = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1
}

/** What a response answers, as far as its body depends on it. */
export interface AskedFor {
  readonly isHead: boolean
  readonly isConnect: boolean
}

/** The body of a response that is not a 101, in the order of RFC 9112 §6.3. */
export function responseFraming(
  section: FieldSection,
  status: number,
  asked: AskedFor,
  isHttp10: boolean,
  allowChunkedLength: boolean,
): BodyFraming {
  // Rule 2: after any 2xx to CONNECT come the tunnel's bytes, whatever the fields say; 204 is no exception.
  if (asked.isConnect && status >= 200 && status < 300) return TUNNEL
  if (status < 200 || status === 204) return bodilessFraming(section)
  const framing = announcedFraming(section, isHttp10, allowChunkedLength)
  if (framing.kind === 'invalid') return framing
  // Rule 1: the fields of these describe a body that is not sent.
  if (asked.isHead || status === 304) return NO_BODY
  if (framing.kind !== 'none') return framing
  return UNTIL_CLOSE
}

/** 1xx and 204 (RFC 9112 §6.3 rule 1); `Content-Length: 0` is tolerated, as origins send it. */
export function bodilessFraming(section: FieldSection): BodyFraming {
  if (section.transferEncoding !== undefined) return invalid(FAULT.bodyForbidden)
  if (section.contentLength === undefined) return NO_BODY
  return section.contentLengthLines === 1 && parseContentLength(section.contentLength) === 0
    ? NO_BODY
    : invalid(FAULT.bodyForbidden)
}
