// From a decoded field section to a response head (RFC 9113 §8.3.2), with the answer to a tunnel request put into the form
// that all versions share (RFC 8441 §5.1).

import type { ResponseHead, TunnelIntent } from '../http-stream.ts'
import type { FieldSection } from './field-section.ts'

/** The head, or why the response is malformed. 101 cannot be sent in HTTP/2 (RFC 9113 §8.6). */
export function responseHeadOf(section: FieldSection): ResponseHead | string {
  if (section.malformed !== '') return section.malformed
  const { status } = section
  if (status === undefined) return ':status is missing'
  if (!/^[1-9]\d\d$/.test(status)) return ':status is not a number of three digits'
  if (status === '101') return 'status 101 in HTTP/2'
  return { status: Number(status), reason: '', headers: section.takeHeaders() }
}

/** Whether a final status accepts the tunnel. */
export const acceptsTunnel = (status: number): boolean => status >= 200 && status < 300

/** Makes the head of an accepted tunnel what the other versions have: 101 for an upgrade, no length. */
export function normaliseAcceptance(head: ResponseHead, tunnel: TunnelIntent): void {
  // RFC 9110 §9.3.6: a length in a 2xx answer to CONNECT means nothing and is ignored.
  head.headers.remove('content-length')
  if (tunnel.kind === 'connect') return
  head.status = 101
  head.headers.add('upgrade', tunnel.type)
  head.headers.add('connection', 'upgrade')
}
