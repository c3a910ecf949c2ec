// Where a Gateway listens. Addresses that it names are bound when this host has them; without any it is all of IPv4. Gateway
// API: GatewaySpecAddress; AGC's frontends are names of Azure's and stand for the default.

import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Conditions } from '../condition.ts'
import type { GatewayValue } from '../kinds/gateway.ts'
import type { Resource } from '../resource.ts'
import type { Flavour, Working } from '../working.ts'

const EVERYWHERE = '0.0.0.0'
const AGC_FRONTEND = 'alb.networking.azure.io/alb-frontend'

/** IP addresses; empty when there are none to be had, and the conditions say why. */
export function gatewayAddresses(
  working: Working,
  resource: Resource<GatewayValue>,
  flavour: Flavour,
  conditions: Conditions,
): readonly string[] {
  const usable: string[] = []
  const { addresses } = resource.value.spec
  for (const [index, { type, value = '' }] of addresses.entries()) {
    const spot = resource.spot.key('spec').key('addresses').at(index)
    if ((flavour === 'agc' && type === AGC_FRONTEND) || (type === 'IPAddress' && value === '')) usable.push(EVERYWHERE)
    else if (type !== 'IPAddress') {
      const message = `addresses of type ${type} are not supported; write an IPAddress or none`
      conditions.set({ type: 'Accepted', status: 'False', reason: 'UnsupportedAddress', message })
      working.error(spot.key('type'), message)
      return []
    } else if (isOwn(value)) usable.push(value)
    else {
      const message = `this host has no address ${value}`
      conditions.set({ type: 'Programmed', status: 'False', reason: 'AddressNotUsable', message })
      working.error(spot.key('value'), `${message}; the Gateway does not listen on it`)
    }
  }
  return addresses.length === 0 ? [EVERYWHERE] : [...new Set(usable)]
}

function isOwn(value: string): boolean {
  if (isIP(value) === 0) return false
  if (value === '0.0.0.0' || value === '::' || value.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some((all) => (all ?? []).some(({ address }) => address === value))
}
