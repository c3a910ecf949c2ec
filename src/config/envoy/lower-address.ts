// Addresses and CIDR ranges. Envoy: config.core.v3.Address, CidrRange.

import { isIP } from 'node:net'
import type { Address, AddressRange } from '../model/address.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type { Address as AddressMessage, CidrRange } from './messages.ts'

/** undefined when it is missing. */
export function lowerAddress(message: AddressMessage | undefined, spot: Spot): Address | undefined {
  switch (message?.address.case) {
    case 'socketAddress': {
      const { address, portSpecifier } = message.address.value
      const port = portSpecifier.case === 'portValue' ? portSpecifier.value : 0
      return { kind: 'socket', host: address, port, place: spot.field('socket_address').place }
    }
    case 'pipe': {
      const { path, mode } = message.address.value
      return { kind: 'pipe', path, mode, place: spot.field('pipe').place }
    }
    case 'envoyInternalAddress': {
      const { addressNameSpecifier: name, endpointId } = message.address.value
      const listener = name.case === 'serverListenerName' ? name.value : ''
      return { kind: 'internal', listener, endpointId, place: spot.field('envoy_internal_address').place }
    }
    default:
      return undefined
  }
}

/** As {@link lowerAddress}, and the host must be an IP address, as it is bound or dialled without DNS. */
export function lowerIpAddress(
  loading: Loading,
  message: AddressMessage | undefined,
  spot: Spot,
  hint: string,
): Address | undefined {
  const address = lowerAddress(message, spot)
  if (address?.kind === 'socket' && isIP(address.host) === 0) {
    loading.error(spot.field('socket_address').field('address'), `malformed IP address: ${address.host}`, hint)
  }
  return address
}

/** CIDR ranges. */
export const lowerRanges = (loading: Loading, ranges: readonly CidrRange[], spot: Spot): readonly AddressRange[] =>
  ranges.map((range, index) => lowerRange(loading, range, spot.at(index)))

/** A CIDR range; a prefix length beyond the address's size is an error, as is a host name. */
export function lowerRange(loading: Loading, range: CidrRange, spot: Spot): AddressRange {
  const family = isIP(range.addressPrefix)
  const prefixLength = range.prefixLen ?? 0
  const size = family === 4 ? 32 : 128
  if (family === 0) loading.error(spot.field('address_prefix'), `malformed IP address: ${range.addressPrefix}`)
  else if (prefixLength > size) loading.error(spot.field('prefix_len'), `must be at most ${size} for IPv${family}`)
  return { address: range.addressPrefix, prefixLength }
}
