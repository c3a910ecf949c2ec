// What Sluice takes of Envoy's messages for looking up names.

import { CORE, fields, type Row } from './support-row.ts'

const DNS_CLUSTER = 'envoy.extensions.clusters.dns.v3.DnsCluster'
const RESOLVER = 'envoy.extensions.network.dns_resolver.'
const CHANNEL = 'the sockets to name servers are replaced every 30 s'

export const DNS_ROWS: Record<string, Row> = {
  [DNS_CLUSTER]: fields(
    `dns_refresh_rate dns_failure_refresh_rate respect_dns_ttl dns_jitter typed_dns_resolver_config dns_lookup_family
     all_addresses_in_single_endpoint`,
  ),
  [`${DNS_CLUSTER}.RefreshRate`]: fields('base_interval max_interval'),
  [`${RESOLVER}cares.v3.CaresDnsResolverConfig`]: fields(
    'resolvers query_timeout_seconds query_tries dns_resolver_options',
    {
      udp_max_queries: CHANNEL,
      max_udp_channel_duration: CHANNEL,
      reinit_channel_on_timeout: CHANNEL,
    },
    { use_resolvers_as_fallback: 'the resolvers that are named are asked first, and no others' },
  ),
  [`${RESOLVER}getaddrinfo.v3.GetAddrInfoDnsResolverConfig`]: fields('', {
    num_resolver_threads: 'all look-ups of the process share its threads',
    num_retries: 'the system tries as often as it is configured to',
  }),
  [`${CORE}DnsResolverOptions`]: fields('', {
    no_default_search_domain: 'search domains are never appended when resolvers are named',
  }),
}
