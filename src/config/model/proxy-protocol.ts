// PROXY protocol headers that are sent, and what of a received one is handed on. Envoy: config.core.v3.ProxyProtocolConfig.

import type { FormatTemplate } from './format-template.ts'

/** A type-length-value of a version 2 header. */
export interface ProxyTlv {
  /** 0..255. */
  readonly type: number
  /** Fixed bytes, or a format string whose value is sent. */
  readonly value: Buffer | FormatTemplate
}

export interface ProxyProtocolSend {
  readonly version: 'v1' | 'v2'
  /** Types of the client's own TLVs that are sent on. */
  readonly passThrough: 'none' | 'all' | readonly number[]
  readonly added: readonly ProxyTlv[]
}

/** What the `proxy_protocol` listener filter takes. */
export interface ProxyProtocolReceive {
  /** Connections without a header pass as they are. */
  readonly allowWithout: boolean
  readonly versions: { readonly v1: boolean; readonly v2: boolean }
  /** Types kept for `pass_through_tlvs` upstream. */
  readonly keep: 'none' | 'all' | readonly number[]
  /** TLVs stored as dynamic metadata: type → namespace and key. */
  readonly rules: readonly { readonly type: number; readonly namespace: string; readonly key: string }[]
  /** '' = statistics directly below `proxy_proto.`. */
  readonly statPrefix: string
}
