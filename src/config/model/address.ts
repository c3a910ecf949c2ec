// Addresses that the configuration names. Envoy: config.core.v3.Address.

import type { Place } from './place.ts'

export type Address =
  | { readonly kind: 'socket'; readonly host: string; readonly port: number; readonly place: Place }
  | { readonly kind: 'pipe'; readonly path: string; readonly mode: number; readonly place: Place }
  /** An internal listener of this process. */
  | { readonly kind: 'internal'; readonly listener: string; readonly endpointId: string; readonly place: Place }

/** A CIDR range. */
export interface AddressRange {
  readonly address: string
  readonly prefixLength: number
}

/** As printed: `1.2.3.4:80`, `[::1]:80`, `/run/x.sock`. */
export function addressText(address: Address): string {
  switch (address.kind) {
    case 'socket':
      return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
    case 'pipe':
      return address.path
    case 'internal':
      return `envoy://${address.listener}/${address.endpointId}`
  }
}
