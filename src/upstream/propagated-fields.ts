// The fields of an HTTP proxy's answer, noted in the client's filter state for logs and later filters (Envoy:
// propagate_response_headers and propagate_response_trailers, of tcp_proxy and udp_proxy).

import type { HeaderList } from '../codec/header-list.ts'
import type { ConnectionState } from '../transport/connection-state.ts'

/** Where they are noted. */
export interface Propagation {
  readonly state: ConnectionState | undefined
  /** Filter state key of the headers; undefined = they are not noted. */
  readonly headersKey: string | undefined
  readonly trailersKey: string | undefined
}

/** Stores the fields as the JSON of Envoy's HeaderMap; `status` becomes `:status`. The codec has bounded them. */
export function noteFields(
  state: ConnectionState | undefined,
  key: string,
  fields: HeaderList,
  status: number | undefined,
): void {
  if (state === undefined) return
  const headers: { readonly key: string; readonly value: string }[] = []
  if (status !== undefined) headers.push({ key: ':status', value: String(status) })
  for (const [name, value] of fields) headers.push({ key: name, value })
  state.filterState.set(key, JSON.stringify({ headers }))
}
