// Listeners. Envoy: config.listener.v3.Listener.

import { addressText, type Address } from '../model/address.ts'
import type { FilterChain, FilterChainMatch, Listener } from '../model/listener.ts'
import { PART_KEYS } from '../model/model-part.ts'
import { NOWHERE } from '../model/place.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAccessLogs } from './lower-access-log.ts'
import { lowerAddress, lowerIpAddress } from './lower-address.ts'
import { timeout } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerFilterChain } from './lower-filter-chain.ts'
import { checkInternal, checkNotInternal } from './lower-internal-listener.ts'
import { lowerKeepaliveTime } from './lower-keepalive.ts'
import { metadataPart } from './lower-model-part.ts'
import { lowerListenerFilters, lowerUdpFilters } from './lower-listener-filter.ts'
import {
  SocketAddress_Protocol,
  TrafficDirection,
  type Address as AddressMessage,
  type Listener as Message,
} from './messages.ts'

/** Envoy's 1 MiB. */
const BUFFER_LIMIT = 1024 * 1024

const DIRECTIONS: { readonly [direction in TrafficDirection]: Listener['trafficDirection'] } = {
  [TrafficDirection.UNSPECIFIED]: 'unspecified',
  [TrafficDirection.INBOUND]: 'inbound',
  [TrafficDirection.OUTBOUND]: 'outbound',
}

/** All listeners; names and addresses must differ. */
export function lowerListeners(loading: Loading, messages: readonly Message[], spot: Spot): readonly Listener[] {
  const listeners = each(messages, spot, (message, at) => lowerListener(loading, message, at))
  checkUnique(loading, listeners, messages, spot)
  return listeners
}

function lowerListener(loading: Loading, message: Message, spot: Spot): Listener {
  const internal = message.listenerSpecifier.case === 'internalListener'
  const addresses = internal ? [] : lowerAddresses(loading, message, spot)
  // Deviation: Envoy gives a nameless listener a random UUID; its address is a name that a reload recognises.
  const name = message.name !== '' ? message.name : addresses[0] === undefined ? '' : addressText(addresses[0])
  if (internal) checkInternal(loading, message, spot)
  else checkNotInternal(loading, message, spot)
  const serving = isUdp(message)
    ? lowerDatagrams(loading, message, spot)
    : lowerConnections(loading, message, spot, name)
  return {
    name,
    internal,
    addresses,
    statPrefix: message.statPrefix !== '' ? message.statPrefix : statPrefix(name, internal, addresses[0]),
    ...serving,
    listenerFiltersTimeoutMs: timeout(message.listenerFiltersTimeout, 15_000),
    continueOnListenerFiltersTimeout: message.continueOnListenerFiltersTimeout,
    bufferLimitBytes: message.perConnectionBufferLimitBytes ?? BUFFER_LIMIT,
    tcpBacklogSize: message.tcpBacklogSize,
    reusePort: message.enableReusePort ?? true,
    bindToPort: message.bindToPort ?? true,
    keepalive: lowerKeepaliveTime(message.tcpKeepalive),
    accessLogs: lowerAccessLogs(loading, message.accessLog, spot.field('access_log')),
    trafficDirection: DIRECTIONS[message.trafficDirection],
    ...metadataPart<Listener>(loading, message.metadata, spot.field('metadata'), PART_KEYS.listener),
    place: spot.place,
  }
}

function statPrefix(name: string, internal: boolean, address: Address | undefined): string {
  if (internal) return `envoy_internal_${name}`
  return address === undefined ? name : addressText(address).replaceAll(':', '_')
}

type Serving = Pick<Listener, 'chains' | 'defaultChain' | 'filters' | 'udp'>

function lowerConnections(loading: Loading, message: Message, spot: Spot, name: string): Serving {
  const chains = each(message.filterChains, spot.field('filter_chains'), (chain, at) =>
    lowerFilterChain(loading, chain, at, false),
  )
  const defaultChain = message.defaultFilterChain
  const reachable = message.address !== undefined || message.listenerSpecifier.case === 'internalListener'
  if (chains.length === 0 && defaultChain === undefined && reachable) {
    loading.error(
      spot,
      `error adding listener '${name}': no filter chains specified`,
      'add filter_chains, or default_filter_chain',
    )
  }
  checkChains(loading, name, chains, spot.field('filter_chains'))
  if (message.udpListenerConfig !== undefined)
    loading.error(spot.field('udp_listener_config'), 'is for UDP listeners', 'set protocol: UDP in the socket_address')
  return {
    chains,
    defaultChain: defaultChain && lowerFilterChain(loading, defaultChain, spot.field('default_filter_chain'), true),
    filters: lowerListenerFilters(loading, message, chains, spot),
    udp: undefined,
  }
}

function lowerDatagrams(loading: Loading, message: Message, spot: Spot): Serving {
  const nothing: Serving = { chains: [], defaultChain: undefined, filters: [], udp: undefined }
  // HTTP/3, which is refused by the table of supported fields.
  if (message.udpListenerConfig?.quicOptions !== undefined) return nothing
  const address = addressText(lowerAddress(message.address, spot) ?? UNKNOWN_ADDRESS)
  if (message.filterChains.length > 0 || message.defaultFilterChain !== undefined) {
    loading.error(
      spot.field(message.filterChains.length > 0 ? 'filter_chains' : 'default_filter_chain'),
      `error adding listener '${address}': ${message.filterChains.length} filter chain(s) specified for connection-less UDP listener.`,
      'datagrams are served by the listener filter udp_proxy',
    )
  }
  return { ...nothing, udp: lowerUdpFilters(loading, message, spot) }
}

const UNKNOWN_ADDRESS: Address = { kind: 'socket', host: '', port: 0, place: NOWHERE }

function lowerAddresses(loading: Loading, message: Message, spot: Spot): readonly Address[] {
  const hint = 'a listener binds an IP address, such as 0.0.0.0, 127.0.0.1 or "::"'
  if (
    message.address === undefined &&
    message.listenerSpecifier.case === undefined &&
    message.apiListener === undefined
  ) {
    loading.error(
      spot,
      `error adding listener named '${message.name}': address is necessary`,
      'address: {socket_address: {address: 0.0.0.0, port_value: 10000}}',
    )
  }
  for (const [index, { address }] of message.additionalAddresses.entries()) {
    if (protocolOf(address) !== protocolOf(message.address))
      loading.error(
        spot.field('additional_addresses').at(index).field('address'),
        'TCP and UDP cannot be mixed in one listener',
        'make a listener of its own',
      )
  }
  const own = lowerIpAddress(loading, message.address, spot.field('address'), hint)
  const more = each(message.additionalAddresses, spot.field('additional_addresses'), (additional, at) =>
    lowerIpAddress(loading, additional.address, at.field('address'), hint),
  )
  return [own, ...more].filter((address) => address !== undefined)
}

function checkChains(loading: Loading, listener: string, chains: readonly FilterChain[], spot: Spot): void {
  const seen = new Map<string, FilterChain>()
  const names = new Set<string>()
  for (const [index, chain] of chains.entries()) {
    for (const criteria of combinations(chain.match)) {
      const other = seen.get(criteria)
      if (other !== undefined && other !== chain) {
        loading.error(
          spot.at(index),
          `error adding listener '${listener}': filter chain '${chain.name}' has the same matching rules defined as '${other.name}'`,
          `the other one stands at line ${other.place.line}`,
        )
        break
      }
      seen.set(criteria, chain)
    }
    if (chain.name !== '' && names.has(chain.name))
      loading.warning(spot.at(index).field('name'), `another filter chain is also named "${chain.name}"`)
    names.add(chain.name)
  }
}

/** Every single combination of criteria that a match stands for, as text: two chains may not share one. */
function combinations(match: FilterChainMatch | undefined): readonly string[] {
  if (match === undefined) return []
  const lists: readonly (readonly string[])[] = [
    [String(match.destinationPort ?? '')],
    match.destinationRanges.map((range) => `${range.address}/${range.prefixLength}`),
    match.serverNames,
    [match.transportProtocol],
    match.applicationProtocols,
    match.directSourceRanges.map((range) => `${range.address}/${range.prefixLength}`),
    [match.sourceType],
    match.sourceRanges.map((range) => `${range.address}/${range.prefixLength}`),
    match.sourcePorts.map(String),
  ]
  return lists.reduce<readonly string[]>(
    (found, list) =>
      (list.length === 0
        ? found.map((text) => `${text}|`)
        : found.flatMap((text) => list.map((item) => `${text}|${item}`))
      ).slice(0, MAX_COMBINATIONS),
    [''],
  )
}

/** Combinations that are compared per chain; long lists in several criteria would multiply without end. */
const MAX_COMBINATIONS = 10_000

/** UDP listeners share no port with TCP ones and have no chains. */
const isUdp = (message: Message | undefined): boolean => protocolOf(message?.address) === SocketAddress_Protocol.UDP

const protocolOf = (address: AddressMessage | undefined): SocketAddress_Protocol =>
  address?.address.case === 'socketAddress' ? address.address.value.protocol : SocketAddress_Protocol.TCP

function checkUnique(loading: Loading, listeners: readonly Listener[], messages: readonly Message[], spot: Spot): void {
  const names = new Set<string>()
  const addresses = new Map<string, string>()
  for (const [index, listener] of listeners.entries()) {
    const at = spot.at(index)
    if (listener.name !== '' && names.has(listener.name))
      loading.error(at.field('name'), `duplicate listener name '${listener.name}'`)
    names.add(listener.name)
    for (const address of listener.addresses) {
      if (address.kind === 'internal' || (address.kind === 'socket' && address.port === 0) || !listener.bindToPort)
        continue
      const text = isUdp(messages[index]) ? `${addressText(address)}/udp` : addressText(address)
      const other = addresses.get(text)
      if (other !== undefined) {
        loading.error(
          at.field('address'),
          `error adding listener: '${listener.name}' has duplicate address '${addressText(address)}' as existing listener`,
          `the other one is '${other}'`,
        )
      }
      addresses.set(text, listener.name)
    }
  }
}
