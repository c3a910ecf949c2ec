// Reads one field of a request or response head by the name that formats and matchers use, pseudo-headers included.

import type { HeaderList } from '../codec/header-list.ts'
import type { RequestHead, ResponseHead } from '../codec/http-stream.ts'

/** Reads one field; undefined when it is absent. */
export type FieldReader<Head> = (head: Head) => string | undefined

/** Reader of a request's field; `name` in any case. `host` is the authority, as on HTTP/1 (RFC 9110 §7.2). */
export function requestField(name: string): FieldReader<RequestHead> {
  const lower = name.toLowerCase()
  switch (lower) {
    case ':method':
      return (head) => head.method
    case ':path':
      return (head) => head.path || undefined
    case ':scheme':
      return (head) => head.scheme || undefined
    case ':authority':
    case 'host':
      return (head) => head.authority || undefined
    case ':protocol':
      return (head) => (head.tunnel?.kind === 'upgrade' ? head.tunnel.type : undefined)
    default:
      return (head) => head.headers.get(lower)
  }
}

/** Reader of a response's field; `:status` is the code. */
export function responseField(name: string): FieldReader<ResponseHead> {
  const lower = name.toLowerCase()
  return lower === ':status' ? (head) => String(head.status) : (head) => head.headers.get(lower)
}

/** Reader of a trailer. */
export function trailerField(name: string): FieldReader<HeaderList> {
  const lower = name.toLowerCase()
  return (trailers) => trailers.get(lower)
}
