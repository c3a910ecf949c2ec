// A redirect. Its port follows from the filter, from its scheme, or from the listener's port as the manifest says it; the
// scheme's own port is left out. Gateway API: HTTPRequestRedirectFilter.

import type { RedirectAction } from '../../model/route.ts'
import type { RedirectFilter } from '../kinds/http-filter.ts'
import type { ListenerSpec } from '../kinds/gateway.ts'
import { lowerPathModifier } from './path-modifier.ts'

const WELL_KNOWN = { http: 80, https: 443 } as const

export function lowerRedirect(filter: RedirectFilter, listener: ListenerSpec, matched: string): RedirectAction {
  const scheme = filter.scheme ?? (listener.protocol === 'HTTPS' ? 'https' : 'http')
  const port = filter.port ?? (filter.scheme === undefined ? listener.port : WELL_KNOWN[scheme])
  const left = port === WELL_KNOWN[scheme]
  return {
    kind: 'redirect',
    scheme,
    host: filter.hostname ?? '',
    port: left ? 0 : port,
    omitDefaultPort: true,
    path: lowerPathModifier(filter.path, matched),
    status: filter.statusCode,
    stripQuery: false,
  }
}
