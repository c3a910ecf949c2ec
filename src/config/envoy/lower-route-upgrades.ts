// Upgrades of a route: which types, and with which filters. Envoy: RouteAction.UpgradeConfig. Own filters per route are
// Sluice's: Envoy has them per connection manager only.

import type { RouteUpgrade } from '../model/route.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerHttpFilters } from './lower-http-filter.ts'
import type { RouteAction_UpgradeConfig } from './messages.ts'

/** By lower-case type. */
export function lowerRouteUpgrades(
  loading: Loading,
  configs: readonly RouteAction_UpgradeConfig[],
  spot: Spot,
): ReadonlyMap<string, RouteUpgrade> {
  const upgrades = new Map<string, RouteUpgrade>()
  for (const [index, config] of configs.entries()) {
    const at = spot.at(index)
    const type = config.upgradeType.toLowerCase()
    if (upgrades.has(type))
      loading.error(
        at.field('upgrade_type'),
        `Duplicate upgrade ${config.upgradeType}`,
        'types are compared without regard to case',
      )
    if (config.connectConfig !== undefined && type !== 'connect' && type !== 'connect-udp') {
      loading.error(
        at.field('connect_config'),
        `Non-CONNECT upgrade type ${config.upgradeType} has ConnectConfig`,
        'only CONNECT and CONNECT-UDP can end at this proxy',
      )
    }
    upgrades.set(type, { enabled: config.enabled ?? true, filters: ownFilters(loading, at), place: at.place })
  }
  return upgrades
}

function ownFilters(loading: Loading, at: Spot): RouteUpgrade['filters'] {
  const own = loading.upgradeFilters.get(at.path)
  return own === undefined || own.filters.length === 0 ? undefined : lowerHttpFilters(loading, own.filters, own.spot)
}
