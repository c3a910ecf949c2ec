// What a PROXY protocol header says (HAProxy's proxy-protocol.txt, versions 1 and 2), and the numbers of its binary form.

import { Buffer } from 'node:buffer'
import type { StreamAddress } from '../../transport/byte-stream.ts'
import type { ReceivedTlv } from '../../transport/connection-state.ts'

export type ProxyVersion = 'v1' | 'v2'

/** For whom the sender speaks. */
export type ProxyEndpoints =
  /** For itself, or for a client it will not name (`UNKNOWN`): the socket's own addresses hold. */
  | { readonly kind: 'local' }
  /** For a client of another family; the sender names no address. */
  | { readonly kind: 'unspecified' }
  | {
      readonly kind: 'ip' | 'unix'
      readonly transport: 'stream' | 'datagram'
      readonly source: StreamAddress
      readonly destination: StreamAddress
    }

export interface ProxyHeader {
  readonly version: ProxyVersion
  readonly endpoints: ProxyEndpoints
  /** Version 2 only; views of the bytes that were read. Padding (NOOP) is left out. */
  readonly tlvs: readonly ReceivedTlv[]
}

/** What the first bytes of a connection are. */
export type ProxyHeaderResult =
  /** Too few bytes to tell; with fewer than `wanted` there is no use in asking again. `version` once the signature is whole. */
  | { readonly kind: 'incomplete'; readonly version: ProxyVersion | undefined; readonly wanted: number }
  /** The connection does not begin with a header. */
  | { readonly kind: 'absent' }
  /** It begins like one; `reason` is a sentence. */
  | { readonly kind: 'malformed'; readonly version: ProxyVersion; readonly reason: string }
  /** `length` bytes belong to it. */
  | { readonly kind: 'header'; readonly header: ProxyHeader; readonly length: number }

/** proxy-protocol.txt §2.1. */
export const V1_SIGNATURE: Buffer = Buffer.from('PROXY ', 'latin1')

/** The longest line of version 1 with its CRLF (§2.1). */
export const V1_BYTES = 107

/** §2.2. */
export const V2_SIGNATURE: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** Signature, version and command, family and transport, length. */
export const V2_FIXED_BYTES = 16

/** Address blocks by family (§2.2). */
export const INET_BYTES = 12
export const INET6_BYTES = 36
export const UNIX_BYTES = 216
export const UNIX_PATH_BYTES = 108

/** Type and length of a TLV. */
export const TLV_HEAD_BYTES = 3

/** Types that mean something to this codec (§2.2.1 ff). */
export const TLV_CRC32C = 0x03
export const TLV_NOOP = 0x04
