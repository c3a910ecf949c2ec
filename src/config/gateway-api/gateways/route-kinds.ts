// Which kinds of routes a listener takes. Gateway API: AllowedRoutes.kinds, ListenerStatus.supportedKinds.

import type { ListenerSpec } from '../kinds/gateway.ts'
import type { RouteKindName } from '../working.ts'

const BY_PROTOCOL: ReadonlyMap<string, readonly RouteKindName[]> = new Map([
  ['HTTP', ['HTTPRoute', 'GRPCRoute'] as const],
  ['HTTPS', ['HTTPRoute', 'GRPCRoute'] as const],
  ['TLS', ['TLSRoute'] as const],
  ['TCP', ['TCPRoute'] as const],
])

export const isSupportedProtocol = (protocol: string): boolean => BY_PROTOCOL.has(protocol)

export interface ListenerKinds {
  readonly supported: readonly RouteKindName[]
  /** Asked for, but not to be had on that protocol, or not known at all. */
  readonly invalid: readonly string[]
}

/** The kinds that a listener names, or all of its protocol. */
export function listenerKinds({ protocol, allowedRoutes }: ListenerSpec): ListenerKinds {
  const known = BY_PROTOCOL.get(protocol) ?? []
  if (allowedRoutes.kinds.length === 0) return { supported: known, invalid: [] }
  const supported: RouteKindName[] = []
  const invalid: string[] = []
  for (const { group, kind } of allowedRoutes.kinds) {
    const found = group === 'gateway.networking.k8s.io' ? known.find((each) => each === kind) : undefined
    if (found === undefined) invalid.push(kind)
    else if (!supported.includes(found)) supported.push(found)
  }
  return { supported, invalid }
}
