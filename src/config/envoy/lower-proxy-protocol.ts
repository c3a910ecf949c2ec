// PROXY protocol: headers that are sent, and the listener filter that takes them. Envoy: config.core.v3.ProxyProtocolConfig,
// extensions.filters.listener.proxy_protocol.v3.

import type { ProxyProtocolReceive, ProxyProtocolSend, ProxyTlv } from '../model/proxy-protocol.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { each } from './lower-each.ts'
import { lowerSubstitution } from './lower-format.ts'
import {
  ProxyProtocolConfig_Version as Version,
  ProxyProtocolPassThroughTLVs_PassTLVsMatchType as Match,
  type ProxyProtocol,
  type ProxyProtocolConfig,
  type ProxyProtocolPassThroughTLVs,
  type TlvEntry,
} from './messages.ts'

/** Version 1 when nothing else is said. */
export function lowerProxyProtocolSend(
  loading: Loading,
  message: ProxyProtocolConfig | undefined,
  spot: Spot,
): ProxyProtocolSend {
  const passThrough = lowerPassThrough(message?.passThroughTlvs)
  const added = lowerTlvs(loading, message?.addedTlvs ?? [], spot.field('added_tlvs'))
  const version = message?.version === Version.V2 ? 'v2' : 'v1'
  if (version === 'v1' && (added.length > 0 || passThrough !== 'none'))
    loading.warning(spot, 'TLVs are not sent: a header of version 1 cannot carry them', 'set version: V2')
  return { version, passThrough, added }
}

/** An empty message means all types. */
function lowerPassThrough(message: ProxyProtocolPassThroughTLVs | undefined): ProxyProtocolSend['passThrough'] {
  if (message === undefined) return 'none'
  return message.matchType === Match.INCLUDE_ALL ? 'all' : message.tlvType
}

export const lowerTlvs = (loading: Loading, entries: readonly TlvEntry[], spot: Spot): readonly ProxyTlv[] =>
  each(entries, spot, (entry, at) => lowerTlv(loading, entry, at))

function lowerTlv(loading: Loading, { type, value, formatString }: TlvEntry, spot: Spot): ProxyTlv {
  if (value.length > 0 && formatString !== undefined) {
    loading.error(
      spot.field('format_string'),
      "Invalid TLV configuration: only one of 'value' or 'format_string' may be set.",
    )
  }
  if (value.length === 0 && formatString === undefined) {
    loading.error(
      spot,
      "Invalid TLV configuration: one of 'value' or 'format_string' must be set.",
      'value is base64; format_string: {text_format_source: {inline_string: …}}',
    )
  }
  const format = lowerSubstitution(loading, formatString, spot.field('format_string'))
  if (format?.kind === 'json')
    loading.error(
      spot.field('format_string').field('json_format'),
      'known to Envoy but not supported by Sluice yet',
      'use text_format_source',
    )
  return { type, value: format?.kind === 'text' ? format.template : Buffer.from(value) }
}

/** Where TLVs go when a rule names no namespace. */
const NAMESPACE = 'envoy.filters.listener.proxy_protocol'

/** The listener filter. */
export function lowerProxyProtocolReceive(loading: Loading, message: ProxyProtocol, spot: Spot): ProxyProtocolReceive {
  const refused = new Set(message.disallowedVersions)
  const versions = { v1: !refused.has(Version.V1), v2: !refused.has(Version.V2) }
  if (!versions.v1 && !versions.v2)
    loading.error(
      spot.field('disallowed_versions'),
      'no version of the PROXY protocol is left that a client could use',
      'leave V1 or V2 out of disallowed_versions',
    )
  return {
    allowWithout: message.allowRequestsWithoutProxyProtocol,
    versions,
    keep: lowerPassThrough(message.passThroughTlvs),
    rules: each(message.rules, spot.field('rules'), (rule, at) => lowerRule(loading, rule, at)).filter(
      (rule) => rule !== undefined,
    ),
    statPrefix: message.statPrefix,
  }
}

function lowerRule(
  loading: Loading,
  { tlvType, onTlvPresent }: ProxyProtocol['rules'][number],
  spot: Spot,
): ProxyProtocolReceive['rules'][number] | undefined {
  if (onTlvPresent === undefined) {
    loading.warning(spot, 'a rule without on_tlv_present stores nothing', 'on_tlv_present: {key: my_key}')
    return undefined
  }
  const { metadataNamespace, key } = onTlvPresent
  return { type: tlvType, namespace: metadataNamespace === '' ? NAMESPACE : metadataNamespace, key }
}
