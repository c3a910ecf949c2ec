// Which requests end here as a tunnel instead of being passed on. Envoy: UpgradeConfig.ConnectConfig of a route.

import type { RequestHead, TunnelIntent } from '../codec/http-stream.ts'
import type { ConnectTermination, ForwardAction, Route } from '../config/model/route.ts'
import { wantsConnect } from './path-matcher.ts'

const CONNECT: TunnelIntent = { kind: 'connect' }

/**
 * What a request asks to become on `route`: what it says itself, or a CONNECT when it is a POST that the route takes for
 * one (`allow_post`). Such a POST asks for no upgrade, so its tunnel is made of the two message bodies.
 */
export function tunnelIntent(head: Pick<RequestHead, 'method' | 'tunnel'>, route: Route): TunnelIntent | undefined {
  if (head.tunnel !== undefined || head.method !== 'POST') return head.tunnel
  const { action } = route
  return action.kind === 'forward' && action.connect?.allowPost === true ? CONNECT : undefined
}

/** How the tunnel that `head` asks for ends here; undefined when it is passed on, or when there is none. */
export function terminationOf(
  head: Pick<RequestHead, 'tunnel'>,
  action: ForwardAction,
  cluster: { readonly terminatesConnect: boolean; readonly place: ConnectTermination['place'] },
): ConnectTermination | undefined {
  if (!wantsConnect(head.tunnel)) return undefined
  if (action.connect !== undefined) return action.connect
  return cluster.terminatesConnect ? { proxyProtocol: undefined, allowPost: false, place: cluster.place } : undefined
}
