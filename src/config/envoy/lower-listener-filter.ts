// What runs on an accepted connection before its filter chain is chosen. Envoy: config.listener.v3.ListenerFilter.

import { isMessage, type Message } from '@bufbuild/protobuf'
import type { FilterChain, FilterChainMatch, ListenerFilter } from '../model/listener.ts'
import type { UdpProxy } from '../model/udp-proxy.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerProxyProtocolReceive } from './lower-proxy-protocol.ts'
import { lowerUdpProxy } from './lower-udp-proxy.ts'
import {
  HttpInspectorSchema,
  OriginalDstSchema,
  ProxyProtocolSchema,
  TlsInspectorSchema,
  UdpProxyConfigSchema,
  type Listener,
  type ListenerFilter as FilterMessage,
} from './messages.ts'

/** Of a listener for connections. A chain that needs SNI, ALPN or the transport protocol brings tls_inspector along. */
export function lowerListenerFilters(
  loading: Loading,
  message: Listener,
  chains: readonly FilterChain[],
  spot: Spot,
): readonly ListenerFilter[] {
  const at = spot.field('listener_filters')
  const filters: ListenerFilter[] = []
  const has = (kind: ListenerFilter['kind']): boolean => filters.some((filter) => filter.kind === kind)
  for (const [index, each] of message.listenerFilters.entries()) {
    const filter = lowerFilter(loading, each, at.at(index))
    if (filter === undefined) continue
    if (has(filter.kind))
      loading.warning(
        at.at(index),
        `${filter.kind} runs twice`,
        'the second one finds nothing new; keep one of the two',
      )
    filters.push(filter)
  }
  const header = oldProxyProtocol(loading, message, spot)
  if (header !== undefined && !has('proxy-protocol')) filters.unshift(header)
  const inspect = chains.some((chain) => chain.match !== undefined && needsInspection(chain.match))
  return inspect && !has('tls-inspector') ? [...filters, { kind: 'tls-inspector' }] : filters
}

/** SNI, ALPN and the transport protocol are read from the greeting before a chain is chosen. */
const needsInspection = (match: FilterChainMatch): boolean =>
  match.serverNames.length > 0 || match.applicationProtocols.length > 0 || match.transportProtocol !== ''

function lowerFilter(loading: Loading, filter: FilterMessage, spot: Spot): ListenerFilter | undefined {
  const config = unpackFilter(loading, filter, spot)
  const at = spot.field('typed_config')
  if (isMessage(config, TlsInspectorSchema)) return { kind: 'tls-inspector' }
  if (isMessage(config, HttpInspectorSchema)) return { kind: 'http-inspector' }
  if (isMessage(config, OriginalDstSchema)) return { kind: 'original-dst' }
  if (isMessage(config, ProxyProtocolSchema))
    return { kind: 'proxy-protocol', config: lowerProxyProtocolReceive(loading, config, at) }
  if (isMessage(config, UdpProxyConfigSchema))
    loading.error(at.key('@type'), 'UdpProxyConfig is for UDP listeners', 'set protocol: UDP in the socket_address')
  return undefined
}

function unpackFilter(loading: Loading, filter: FilterMessage, spot: Spot): Message | undefined {
  const config = filter.configType.case === 'typedConfig' ? loading.unpack(filter.configType.value) : undefined
  if (config === undefined && filter.configType.case === undefined)
    loading.error(spot, `listener filter "${filter.name}" needs typed_config`)
  return config
}

/** The deprecated field of the first chain (or of the only one, the default). */
function oldProxyProtocol(loading: Loading, message: Listener, spot: Spot): ListenerFilter | undefined {
  const [first] = message.filterChains
  const chain = first ?? message.defaultFilterChain
  if (chain?.useProxyProto !== true) return undefined
  const at = first === undefined ? spot.field('default_filter_chain') : spot.field('filter_chains').at(0)
  loading.warning(
    at.field('use_proxy_proto'),
    'use_proxy_proto is deprecated',
    'add the listener filter envoy.filters.listener.proxy_protocol',
  )
  return {
    kind: 'proxy-protocol',
    config: { allowWithout: false, versions: { v1: true, v2: true }, keep: 'none', rules: [], statPrefix: '' },
  }
}

/** Of a UDP listener, which has udp_proxy and nothing else. */
export function lowerUdpFilters(loading: Loading, message: Listener, spot: Spot): UdpProxy | undefined {
  let proxy: UdpProxy | undefined
  const at = spot.field('listener_filters')
  for (const [index, filter] of message.listenerFilters.entries()) {
    const config = unpackFilter(loading, filter, at.at(index))
    const typed = at.at(index).field('typed_config')
    if (isMessage(config, UdpProxyConfigSchema)) {
      if (proxy !== undefined) loading.error(at.at(index), 'a UDP listener has one udp_proxy only')
      proxy = lowerUdpProxy(loading, config, typed)
    } else if (config !== undefined && isForConnections(config)) {
      loading.error(typed.key('@type'), `${config.$typeName} is for TCP listeners`, 'a UDP listener takes udp_proxy')
    }
  }
  if (message.listenerFilters.length === 0)
    loading.error(
      spot,
      'a UDP listener needs the listener filter udp_proxy',
      `listener_filters: [{name: envoy.filters.udp_listener.udp_proxy, typed_config: {"@type": type.googleapis.com/${UdpProxyConfigSchema.typeName}, …}}]`,
    )
  return proxy
}

const isForConnections = (config: Message): boolean =>
  [TlsInspectorSchema, HttpInspectorSchema, OriginalDstSchema, ProxyProtocolSchema].some(
    (schema) => schema.typeName === config.$typeName,
  )
