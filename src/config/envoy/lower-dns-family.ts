// Which addresses of a name are asked for. Envoy: Cluster.DnsLookupFamily.

import type { DnsFamily } from '../model/dns-cache.ts'
import { Cluster_DnsLookupFamily as Family } from './messages.ts'

export const DNS_FAMILIES: { readonly [family in Family]: DnsFamily } = {
  [Family.AUTO]: 'auto',
  [Family.V4_ONLY]: 'v4-only',
  [Family.V6_ONLY]: 'v6-only',
  [Family.V4_PREFERRED]: 'v4-preferred',
  [Family.ALL]: 'all',
}
