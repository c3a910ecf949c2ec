// Addresses and ranges.

import type { Address, AddressRange } from '../model/address.ts'
import { fields, type Fields, unless } from './json.ts'

/** core.v3.Address; `udp` for datagrams. */
export function addressMessage(address: Address, udp = false): Fields {
  switch (address.kind) {
    case 'socket':
      return {
        socket_address: fields({
          protocol: udp ? 'UDP' : undefined,
          address: address.host,
          port_value: address.port,
        }),
      }
    case 'pipe':
      return { pipe: fields({ path: address.path, mode: unless(address.mode, 0) }) }
    case 'internal':
      return {
        envoy_internal_address: fields({
          server_listener_name: address.listener,
          endpoint_id: unless(address.endpointId, ''),
        }),
      }
  }
}

/** CidrRange. */
export const cidrRange = ({ address, prefixLength }: AddressRange): Fields => ({
  address_prefix: address,
  prefix_len: prefixLength,
})
