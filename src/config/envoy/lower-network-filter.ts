// The network filters of a chain: gates, then exactly one terminal filter. The `@type` decides what a filter is.
// Envoy: config.listener.v3.Filter, extensions.filters.network.

import { isMessage, type Message } from '@bufbuild/protobuf'
import type { FilterChain } from '../model/listener.ts'
import type { ConnectionGate, NetworkFilter } from '../model/network-filter.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { loadData } from './lower-data-source.ts'
import { lowerConnectionManager } from './lower-hcm.ts'
import { lowerConnectionLimit, lowerLocalRateLimit, lowerSniForward } from './lower-network-gate.ts'
import { lowerNetworkRbac } from './lower-network-rbac.ts'
import { lowerTcpProxy } from './lower-tcp-proxy.ts'
import {
  ConnectionLimitSchema,
  DirectResponseConfigSchema,
  EchoSchema,
  HttpConnectionManagerSchema,
  LocalRateLimitSchema,
  NetworkRbacSchema,
  SniDynamicForwardProxySchema,
  TcpProxySchema,
  type NetworkFilter as FilterMessage,
} from './messages.ts'

/** What a `@type` turned out to be; a gate that is switched off has no model. */
type Lowered =
  | { readonly kind: 'terminal'; readonly filter: NetworkFilter }
  | { readonly kind: 'gate'; readonly gate: ConnectionGate | undefined }

/** An empty list is allowed: the connection is then closed. */
export function lowerNetworkFilters(
  loading: Loading,
  messages: readonly FilterMessage[],
  spot: Spot,
): Pick<FilterChain, 'gates' | 'filter'> {
  const gates: ConnectionGate[] = []
  let terminal: NetworkFilter | undefined
  for (const [index, message] of messages.entries()) {
    const at = spot.at(index)
    const config = unpackFilter(loading, message, at)
    const lowered = config === undefined ? undefined : lowerFilter(loading, config, at.field('typed_config'))
    if (config === undefined || lowered === undefined) continue
    checkPosition(loading, { name: message.name, type: config.$typeName, kind: lowered.kind }, at, {
      last: index === messages.length - 1,
    })
    if (lowered.kind === 'terminal') terminal = lowered.filter
    else if (lowered.gate !== undefined) gates.push(lowered.gate)
  }
  return { gates, filter: terminal }
}

function unpackFilter(loading: Loading, message: FilterMessage, spot: Spot): Message | undefined {
  const config = message.configType.case === 'typedConfig' ? loading.unpack(message.configType.value) : undefined
  if (config === undefined && message.configType.case === undefined)
    loading.error(spot, `filter "${message.name}" needs typed_config`)
  return config
}

function checkPosition(
  loading: Loading,
  filter: { readonly name: string; readonly type: string; readonly kind: Lowered['kind'] },
  spot: Spot,
  { last }: { readonly last: boolean },
): void {
  const what = `filter named ${filter.name} of type ${filter.type}`
  if (filter.kind === 'terminal' && !last) {
    loading.error(
      spot,
      `terminal ${what} must be the last filter in a network filter chain.`,
      'it takes the whole connection, so nothing after it would see a byte',
    )
  }
  if (filter.kind === 'gate' && last) {
    loading.error(
      spot,
      `non-terminal ${what} is the last filter in a network filter chain.`,
      'add one that serves the connection after it, such as envoy.filters.network.tcp_proxy',
    )
  }
}

function lowerFilter(loading: Loading, config: Message, spot: Spot): Lowered | undefined {
  const terminal = lowerTerminal(loading, config, spot)
  if (terminal !== undefined) return { kind: 'terminal', filter: terminal }
  if (isMessage(config, ConnectionLimitSchema))
    return { kind: 'gate', gate: lowerConnectionLimit(loading, config, spot) }
  if (isMessage(config, LocalRateLimitSchema)) return { kind: 'gate', gate: lowerLocalRateLimit(loading, config, spot) }
  if (isMessage(config, NetworkRbacSchema)) return { kind: 'gate', gate: lowerNetworkRbac(loading, config, spot) }
  if (isMessage(config, SniDynamicForwardProxySchema))
    return { kind: 'gate', gate: lowerSniForward(loading, config, spot) }
  return undefined
}

function lowerTerminal(loading: Loading, config: Message, spot: Spot): NetworkFilter | undefined {
  if (isMessage(config, HttpConnectionManagerSchema)) return lowerConnectionManager(loading, config, spot)
  if (isMessage(config, TcpProxySchema)) return lowerTcpProxy(loading, config, spot)
  if (isMessage(config, EchoSchema)) return { kind: 'echo', place: spot.place }
  if (isMessage(config, DirectResponseConfigSchema)) {
    const data = loadData(loading, config.response, spot.field('response'))
    return { kind: 'direct-response', response: data?.bytes ?? Buffer.alloc(0), place: spot.place }
  }
  return undefined
}
