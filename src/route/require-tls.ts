// require_tls of a virtual host: clear-text requests are sent to https instead of to a route.

import { NO_MUTATIONS } from '../config/model/header-mutation.ts'
import type { Route, VirtualHost } from '../config/model/route.ts'
import type { MatchedHead } from './header-test.ts'

/** Whether the request must be redirected to https. `internal` is the connection manager's verdict on its origin. */
export function needsTlsRedirect(virtualHost: VirtualHost, head: MatchedHead, internal: boolean): boolean {
  if (virtualHost.requireTls === 'none') return false
  if (forwardedProto(head) === 'https') return false
  return virtualHost.requireTls === 'all' || !internal
}

/** How the client came to the first proxy: X-Forwarded-Proto where the connection manager set or trusted it. */
export const forwardedProto = (head: MatchedHead): string => head.headers.get('x-forwarded-proto') ?? head.scheme

/** The route that stands for the redirect; it is of the virtual host's own place. */
export function tlsRedirectRoute(virtualHost: VirtualHost): Route {
  return {
    name: '',
    match: {
      path: { kind: 'prefix', value: '', caseSensitive: true },
      headers: [],
      query: [],
      grpcOnly: false,
      fraction: undefined,
      tls: undefined,
    },
    action: { kind: 'redirect', scheme: 'https', host: '', port: 0, path: undefined, status: 301, stripQuery: false },
    mutations: NO_MUTATIONS,
    perFilter: new Map(),
    place: virtualHost.place,
  }
}
