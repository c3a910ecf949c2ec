// The fields of an HTTP proxy's answer, noted in the session's filter state for logs
// (`envoy.udp_proxy.propagate_response_headers` and `…_trailers`).

import type { HeaderList } from '../../codec/header-list.ts'
import type { ConnectionState } from '../../transport/connection-state.ts'

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
