// An address in the JSON form of Envoy's config.core.v3.Address.

import type { StreamAddress } from '../transport/byte-stream.ts'

/** `{socket_address: {address, port_value}}`; `{envoy_internal_address}` or `{pipe: {path}}` for what has no port. */
export function addressJson({ ip, port, text }: StreamAddress): unknown {
  if (port !== 0) return { socket_address: { address: ip, port_value: port } }
  const [, listener, endpointId = ''] = /^envoy:\/\/([^/]*)\/?(.*)$/.exec(text) ?? []
  if (listener === undefined) return { pipe: { path: text } }
  const id = endpointId === '' ? {} : { endpoint_id: endpointId }
  return { envoy_internal_address: { server_listener_name: listener, ...id } }
}
