// PROXY protocol, sent and received.

import { formatText } from '../model/format-parse.ts'
import type { ProxyProtocolReceive, ProxyProtocolSend, ProxyTlv } from '../model/proxy-protocol.ts'
import { fields, type Fields, type Json, listOf, unless } from './json.ts'

/** ProxyProtocolConfig. */
export const proxyProtocolConfig = ({ version, passThrough, added }: ProxyProtocolSend): Fields =>
  fields({
    version: version === 'v2' ? 'V2' : 'V1',
    pass_through_tlvs: passThroughTlvs(passThrough),
    added_tlvs: tlvEntries(added),
  })

/** A list of TlvEntry. */
export const tlvEntries = (tlvs: readonly ProxyTlv[]): Json | undefined =>
  listOf(tlvs, ({ type, value }) =>
    Buffer.isBuffer(value)
      ? { type, value: value.toString('base64') }
      : { type, format_string: { text_format_source: { inline_string: formatText(value) } } },
  )

function passThroughTlvs(types: ProxyProtocolSend['passThrough']): Fields | undefined {
  if (types === 'none') return undefined
  return types === 'all' ? { match_type: 'INCLUDE_ALL' } : { match_type: 'INCLUDE', tlv_type: [...types] }
}

/** The proxy_protocol listener filter. */
export const proxyProtocolFilter = ({
  allowWithout,
  versions,
  keep,
  rules,
  statPrefix,
}: ProxyProtocolReceive): Fields =>
  fields({
    allow_requests_without_proxy_protocol: unless(allowWithout, false),
    pass_through_tlvs: passThroughTlvs(keep),
    rules: listOf(rules, ({ type, namespace, key }) => ({
      tlv_type: type,
      on_tlv_present: { metadata_namespace: namespace, key },
    })),
    disallowed_versions: listOf([...(versions.v1 ? [] : ['V1']), ...(versions.v2 ? [] : ['V2'])], (version) => version),
    stat_prefix: unless(statPrefix, ''),
  })
