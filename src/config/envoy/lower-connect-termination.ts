// CONNECT that ends at this proxy. Envoy: RouteAction.UpgradeConfig.ConnectConfig.

import type { ConnectTermination } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerProxyProtocolSend } from './lower-proxy-protocol.ts'
import type { RouteAction_UpgradeConfig } from './messages.ts'

/** A route has one, whichever of its types it stands at: the last wins, as in Envoy. */
export function lowerConnectTermination(
  loading: Loading,
  configs: readonly RouteAction_UpgradeConfig[],
  spot: Spot,
): ConnectTermination | undefined {
  const index = configs.findLastIndex((config) => config.connectConfig !== undefined)
  const config = configs[index]?.connectConfig
  if (config === undefined) return undefined
  const at = spot.at(index).field('connect_config')
  const proxyProtocol = config.proxyProtocolConfig
  return {
    proxyProtocol: proxyProtocol && lowerProxyProtocolSend(loading, proxyProtocol, at.field('proxy_protocol_config')),
    allowPost: config.allowPost,
    place: at.place,
  }
}
