// An address in the JSON form of Envoy's config.core.v3.Address.

import type { StreamAddress } from '../transport/byte-stream.ts'

/** `{socket_address: {address, port_value}}`, or `{pipe: {path}}` for anything without a port. */
export const addressJson = ({ ip, port, text }: StreamAddress): unknown =>
  port === 0 ? { pipe: { path: text } } : { socket_address: { address: ip, port_value: port } }
