// Whether an upgrade or CONNECT may pass, and through which filters. Envoy: upgrade_configs of the connection manager and
// of the route; the route's word wins. Asked after route selection and before any filter runs.

import type { TunnelIntent } from '../codec/http-stream.ts'
import type { HcmUpgrade } from '../config/model/http-connection-manager.ts'
import type { HttpFilterConfig } from '../config/model/http-filter.ts'
import { type Place, placeHint } from '../config/model/place.ts'
import type { Route, RouteUpgrade } from '../config/model/route.ts'
import { bounded, describeRoute, listed, quoted } from './explanation-text.ts'

/** `filters` undefined = the connection manager's default chain. */
export type UpgradeDecision =
  | { readonly kind: 'allowed'; readonly filters: readonly HttpFilterConfig[] | undefined }
  /** The route answers by itself: nothing is tunnelled, so no permission is needed. */
  | { readonly kind: 'allowed-local'; readonly filters: readonly HttpFilterConfig[] | undefined }
  | { readonly kind: 'refused'; readonly explanation: string; readonly place: Place }

/** Types in lower case, as the model keeps them. */
export type HcmUpgrades = ReadonlyMap<string, HcmUpgrade>

const CONNECT_KEY = 'connect'

/**
 * What an intent is looked up by: the lower-case type, `connect` for CONNECT. Deviation: Envoy also lets an upgrade to the
 * type "connect" through an entry that is meant for the method; here it has no entry.
 */
function upgradeKey(tunnel: TunnelIntent): string {
  if (tunnel.kind === 'connect') return CONNECT_KEY
  const type = tunnel.type.toLowerCase()
  return type === CONNECT_KEY ? 'upgrade to connect' : type
}

/**
 * Decides on `tunnel`. Deviation: Envoy refuses an upgrade on a redirect or direct_response route with 403 unless the
 * connection manager has an entry; here such a route gives the answer it was configured for.
 */
export function decideUpgrade(
  tunnel: TunnelIntent,
  upgrades: HcmUpgrades,
  hcmPlace: Place,
  route: Route,
): UpgradeDecision {
  const key = upgradeKey(tunnel)
  const hcm = upgrades.get(key)
  if (route.action.kind !== 'forward') return { kind: 'allowed-local', filters: hcm?.filters }
  const own = route.action.upgrades.get(key)
  const allowed = own?.enabled ?? hcm?.enabled ?? false
  // An entry of the connection manager lends its filters even when it is disabled and only the route enables the type.
  if (allowed) return { kind: 'allowed', filters: own?.filters ?? hcm?.filters }
  return refused(tunnel, { hcm, own, upgrades, hcmPlace, route })
}

/** Whether a filter of the route chooses the action, so that an upgrade is judged by that one when it is chosen. */
export const filterChoosesAction = ({ route }: { readonly route: Route }): boolean =>
  [...route.perFilter.values()].some(({ config }) => config?.kind === 'pipeline' && config.pipeline !== undefined)

interface Refusal {
  readonly hcm: HcmUpgrade | undefined
  readonly own: RouteUpgrade | undefined
  readonly upgrades: HcmUpgrades
  readonly hcmPlace: Place
  readonly route: Route
}

function refused(tunnel: TunnelIntent, { hcm, own, upgrades, hcmPlace, route }: Refusal): UpgradeDecision {
  const what = tunnel.kind === 'connect' ? 'CONNECT' : `upgrade to ${quoted(tunnel.type)}`
  const where = describeRoute(route)
  if (own !== undefined)
    return refusal(
      `${what} is disabled on ${where}: its upgrade_configs entry (${placeHint(own.place)}) has enabled: false`,
      own.place,
    )
  if (hcm !== undefined) {
    return refusal(
      `${what} is disabled: the connection manager's upgrade_configs entry (${placeHint(hcm.place)}) has enabled: false and ${where} has none`,
      hcm.place,
    )
  }
  const type = tunnel.kind === 'connect' ? 'CONNECT' : quoted(tunnel.type)
  const hint = otherTypes(upgrades, route)
  return refusal(
    `${what} is not enabled: no upgrade_configs entry for ${type} in the connection manager (${placeHint(hcmPlace)}) or in ${where}${hint}`,
    route.place,
  )
}

const refusal = (text: string, place: Place): UpgradeDecision => ({
  kind: 'refused',
  explanation: bounded(text),
  place,
})

function otherTypes(upgrades: HcmUpgrades, route: Route): string {
  const own = route.action.kind === 'forward' ? [...route.action.upgrades.keys()] : []
  const types = [...new Set([...own, ...upgrades.keys()])]
  return types.length === 0 ? '' : `; entries exist for ${listed(types, quoted)}`
}
