// The type-length-values of a version 2 header (proxy-protocol.txt §2.2.1 ff): reading them, and choosing those to send.

import type { Buffer } from 'node:buffer'
import type { ProxyProtocolSend } from '../../config/model/proxy-protocol.ts'
import { PROXY_TLVS } from '../../core/limits.ts'
import type { ReceivedTlv } from '../../transport/connection-state.ts'
import { TLV_HEAD_BYTES, TLV_NOOP } from './header.ts'

/** The TLVs of a whole header, from `at` to its end, as views of it; a sentence when they are wrong. */
export function readTlvs(header: Buffer, at: number): readonly ReceivedTlv[] | string {
  const tlvs: ReceivedTlv[] = []
  let next = at
  while (next < header.length) {
    if (header.length - next < TLV_HEAD_BYTES) return 'a TLV is cut short'
    const start = next + TLV_HEAD_BYTES
    const end = start + header.readUInt16BE(next + 1)
    if (end > header.length) return 'a TLV is longer than the header'
    const type = header.readUInt8(next)
    next = end
    // §2.2.4: padding, to be ignored.
    if (type === TLV_NOOP) continue
    if (tlvs.length === PROXY_TLVS) return `there are more than ${PROXY_TLVS} TLVs`
    tlvs.push({ type, value: header.subarray(start, end) })
  }
  return tlvs
}

/** Where TLVs of a header to be sent come from, values evaluated. */
export interface TlvSources {
  /** Of the endpoint that is dialled; they win over the rest by type. */
  readonly endpoint: readonly ReceivedTlv[]
  /** Of the cluster's configuration; they win over received ones by type. */
  readonly added: readonly ReceivedTlv[]
  /** Of the client's header (and of a tcp_proxy), sent as far as `passThrough` lets them. */
  readonly received: readonly ReceivedTlv[]
  readonly passThrough: ProxyProtocolSend['passThrough']
}

/** The TLVs to send, in Envoy's order: the endpoint's, the cluster's, passed ones. One source may repeat a type. */
export function chooseTlvs({ endpoint, added, received, passThrough }: TlvSources): readonly ReceivedTlv[] {
  if (endpoint.length === 0 && added.length === 0 && passThrough === 'all') return received
  const chosen = [...endpoint]
  appendOtherTypes(chosen, added)
  appendOtherTypes(
    chosen,
    received.filter(({ type }) => passes(passThrough, type)),
  )
  return chosen
}

/** Whether a received TLV of `type` is among those to keep or pass. */
export const passes = (which: ProxyProtocolSend['passThrough'], type: number): boolean =>
  which === 'all' || (which !== 'none' && which.includes(type))

function appendOtherTypes(chosen: ReceivedTlv[], more: readonly ReceivedTlv[]): void {
  const taken = new Set(chosen.map(({ type }) => type))
  for (const tlv of more) if (!taken.has(tlv.type)) chosen.push(tlv)
}
