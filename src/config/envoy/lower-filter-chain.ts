// Filter chains of a listener: when they apply, their TLS and their network filters. Envoy: config.listener.v3.FilterChain.

import { isMessage } from '@bufbuild/protobuf'
import type { FilterChain, FilterChainMatch } from '../model/listener.ts'
import type { DownstreamTls } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerRanges } from './lower-address.ts'
import { timeout } from './lower-duration.ts'
import { lowerNetworkFilters } from './lower-network-filter.ts'
import { lowerDownstreamTls } from './lower-tls.ts'
import {
  DownstreamTlsContextSchema,
  FilterChainMatch_ConnectionSourceType as Source,
  UpstreamTlsContextSchema,
  type FilterChain as ChainMessage,
  type FilterChainMatch as MatchMessage,
  type TransportSocket,
} from './messages.ts'

export function lowerFilterChain(loading: Loading, message: ChainMessage, spot: Spot, isDefault: boolean): FilterChain {
  return {
    name: message.name,
    match: isDefault ? undefined : lowerChainMatch(loading, message.filterChainMatch, spot.field('filter_chain_match')),
    tls: lowerTransport(loading, message.transportSocket, spot.field('transport_socket')),
    transportSocketConnectTimeoutMs: timeout(message.transportSocketConnectTimeout, undefined),
    ...lowerNetworkFilters(loading, message.filters, spot.field('filters')),
    place: spot.place,
  }
}

const SOURCES: { readonly [source in Source]: FilterChainMatch['sourceType'] } = {
  [Source.ANY]: 'any',
  [Source.SAME_IP_OR_LOOPBACK]: 'same-ip-or-loopback',
  [Source.EXTERNAL]: 'external',
}

function lowerChainMatch(loading: Loading, message: MatchMessage | undefined, spot: Spot): FilterChainMatch {
  return {
    destinationPort: message?.destinationPort,
    destinationRanges: lowerRanges(loading, message?.prefixRanges ?? [], spot.field('prefix_ranges')),
    serverNames: serverNames(loading, message?.serverNames ?? [], spot.field('server_names')),
    transportProtocol: transportProtocol(loading, message?.transportProtocol ?? '', spot.field('transport_protocol')),
    applicationProtocols: message?.applicationProtocols ?? [],
    directSourceRanges: lowerRanges(
      loading,
      message?.directSourcePrefixRanges ?? [],
      spot.field('direct_source_prefix_ranges'),
    ),
    sourceType: SOURCES[message?.sourceType ?? Source.ANY],
    sourceRanges: lowerRanges(loading, message?.sourcePrefixRanges ?? [], spot.field('source_prefix_ranges')),
    sourcePorts: message?.sourcePorts ?? [],
  }
}

/** Exact or `*.suffix`; Envoy knows no other wildcard, not even `*`. */
function serverNames(loading: Loading, names: readonly string[], spot: Spot): readonly string[] {
  return names.map((name, index) => {
    const rest = name.startsWith('*.') ? name.slice(2) : name
    if (rest.includes('*')) {
      loading.error(
        spot.at(index),
        'partial wildcards are not supported in "server_names"',
        name === '*'
          ? 'leave server_names out to match every name, or use default_filter_chain'
          : 'a name is exact or starts with *.',
      )
    }
    return name.toLowerCase()
  })
}

function transportProtocol(loading: Loading, written: string, spot: Spot): FilterChainMatch['transportProtocol'] {
  if (written === '' || written === 'raw_buffer' || written === 'tls') return written
  loading.error(spot, `"${written}" is not one of raw_buffer, tls`)
  return ''
}

function lowerTransport(loading: Loading, socket: TransportSocket | undefined, spot: Spot): DownstreamTls | undefined {
  const config = socket?.configType.case === 'typedConfig' ? loading.unpack(socket.configType.value) : undefined
  const at = spot.field('typed_config')
  if (isMessage(config, DownstreamTlsContextSchema)) return lowerDownstreamTls(loading, config, at)
  if (isMessage(config, UpstreamTlsContextSchema)) {
    loading.error(
      at.key('@type'),
      'UpstreamTlsContext is for clusters',
      'a listener takes envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    )
  } else if (socket !== undefined && config === undefined) {
    loading.error(
      spot,
      `transport socket "${socket.name}" needs typed_config`,
      'a chain without transport_socket speaks plain text',
    )
  }
  return undefined
}
