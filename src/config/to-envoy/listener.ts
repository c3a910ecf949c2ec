// Listeners and their filter chains.

import { PART_KEYS } from '../model/model-part.ts'
import type { FilterChain, FilterChainMatch, Listener, ListenerFilter } from '../model/listener.ts'
import { addressText } from '../model/address.ts'
import { accessLogs } from './access-log.ts'
import { addressMessage, cidrRange } from './address.ts'
import { extension, fields, type Fields, type Json, listOf, optional, timeout, unless, unlessEmpty } from './json.ts'
import { partMetadata } from './model-part.ts'
import { gateFilter, terminalFilter } from './network-filter.ts'
import { proxyProtocolFilter } from './proxy-protocol.ts'
import { udpProxyFilter } from './tcp-proxy.ts'
import { DOWNSTREAM_TLS, downstreamTls } from './tls.ts'

/** config.listener.v3.Listener; `clusters` are the names that exist. */
export function listenerMessage(listener: Listener, clusters: ReadonlySet<string>): Fields {
  const [own, ...more] = listener.addresses
  const udp = listener.udp !== undefined
  return fields({
    name: listener.name,
    address: own && addressMessage(own, udp),
    internal_listener: listener.internal ? {} : undefined,
    additional_addresses: listOf(more, (address) => ({ address: addressMessage(address, udp) })),
    stat_prefix: unless(listener.statPrefix, usualPrefix(listener)),
    filter_chains: listOf(listener.chains, (chain) => filterChain(chain, clusters)),
    default_filter_chain: listener.defaultChain && filterChain(listener.defaultChain, clusters),
    listener_filters: udp && listener.udp !== undefined ? [udpProxyFilter(listener.udp)] : listenerFilters(listener),
    listener_filters_timeout: timeout(listener.listenerFiltersTimeoutMs, 15_000),
    continue_on_listener_filters_timeout: unless(listener.continueOnListenerFiltersTimeout, false),
    per_connection_buffer_limit_bytes: unless(listener.bufferLimitBytes, 1024 * 1024),
    tcp_backlog_size: listener.tcpBacklogSize,
    enable_reuse_port: listener.internal ? undefined : unless(listener.reusePort, true),
    bind_to_port: unless(listener.bindToPort, true),
    tcp_keepalive:
      listener.keepalive === undefined ? undefined : { keepalive_time: Math.round(listener.keepalive.timeMs / 1000) },
    access_log: accessLogs(listener.accessLogs),
    traffic_direction:
      listener.trafficDirection === 'unspecified' ? undefined : listener.trafficDirection.toUpperCase(),
    metadata: partMetadata(PART_KEYS.listener, { maxConnections: listener.maxConnections }),
  })
}

function usualPrefix({ internal, name, addresses: [own] }: Listener): string {
  if (internal) return `envoy_internal_${name}`
  return own === undefined ? name : addressText(own).replaceAll(':', '_')
}

const FILTERS = 'envoy.extensions.filters.listener.'

const listenerFilters = ({ filters }: Listener): Json | undefined => listOf(filters, listenerFilter)

function listenerFilter(filter: ListenerFilter): Fields {
  switch (filter.kind) {
    case 'tls-inspector':
      return extension('envoy.filters.listener.tls_inspector', `${FILTERS}tls_inspector.v3.TlsInspector`)
    case 'http-inspector':
      return extension('envoy.filters.listener.http_inspector', `${FILTERS}http_inspector.v3.HttpInspector`)
    case 'original-dst':
      return extension('envoy.filters.listener.original_dst', `${FILTERS}original_dst.v3.OriginalDst`)
    case 'proxy-protocol':
      return extension(
        'envoy.filters.listener.proxy_protocol',
        `${FILTERS}proxy_protocol.v3.ProxyProtocol`,
        proxyProtocolFilter(filter.config),
      )
  }
}

function filterChain(chain: FilterChain, clusters: ReadonlySet<string>): Fields {
  return fields({
    name: unless(chain.name, ''),
    filter_chain_match: chain.match && unlessEmpty(chainMatch(chain.match)),
    filters: listOf(
      [...chain.gates.map(gateFilter), ...(chain.filter === undefined ? [] : [terminalFilter(chain.filter, clusters)])],
      (filter) => filter,
    ),
    transport_socket: chain.tls && extension('envoy.transport_sockets.tls', DOWNSTREAM_TLS, downstreamTls(chain.tls)),
    transport_socket_connect_timeout: optional(chain.transportSocketConnectTimeoutMs),
  })
}

const SOURCES = { any: undefined, 'same-ip-or-loopback': 'SAME_IP_OR_LOOPBACK', external: 'EXTERNAL' } as const

const chainMatch = (match: FilterChainMatch): Fields =>
  fields({
    destination_port: match.destinationPort,
    prefix_ranges: listOf(match.destinationRanges, cidrRange),
    server_names: listOf(match.serverNames, (name) => name),
    transport_protocol: unless(match.transportProtocol, ''),
    application_protocols: listOf(match.applicationProtocols, (name) => name),
    direct_source_prefix_ranges: listOf(match.directSourceRanges, cidrRange),
    source_type: SOURCES[match.sourceType],
    source_prefix_ranges: listOf(match.sourceRanges, cidrRange),
    source_ports: listOf(match.sourcePorts, (port) => port),
  })
