// Operators that say where the exchange went, and the names of this process.

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { known, type OperatorFamily, plain } from './operator.ts'
import type { StreamFacts } from './stream-facts.ts'

const HOSTNAME = hostname()

export const ROUTING_OPERATORS: OperatorFamily = {
  ROUTE_NAME: plain((facts) => known(facts.routeName)),
  UPSTREAM_CLUSTER: plain((facts) => known(facts.clusterName)),
  UPSTREAM_CLUSTER_RAW: plain((facts) => known(facts.clusterName)),
  UPSTREAM_HOST: plain((facts) => facts.upstream?.remote.text),
  UPSTREAM_HOST_NAME: plain(upstreamName),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: plain((facts) => withoutPort(upstreamName(facts))),
  UPSTREAM_HOSTS_ATTEMPTED: plain((facts) => known(facts.attemptedHosts.join(','))),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: plain((facts) => known(facts.attemptedHosts.map(withoutPort).join(','))),
  FILTER_CHAIN_NAME: plain((facts) => known(facts.filterChainName)),
  LISTENER_NAME: plain((facts) => known(facts.listenerName)),
  HOSTNAME: plain(() => HOSTNAME),
  UNIQUE_ID: plain(() => randomUUID()),
  STREAM_ID: plain((facts) => facts.streamId),
  CONNECTION_ID: plain((facts) => facts.connectionId),
  UPSTREAM_CONNECTION_ID: plain((facts) => facts.upstreamConnectionId),
  ENVIRONMENT: (argument) => {
    const value = process.env[argument]
    return () => value
  },
}

/** The endpoint's name; its address when it has none. */
function upstreamName(facts: StreamFacts): string | undefined {
  return known(facts.upstreamHostName) ?? facts.upstream?.remote.text
}

/** `host:1` → `host`, `[::1]:1` → `[::1]`; what ends in no port stays. */
function withoutPort(text: string): string
function withoutPort(text: string | undefined): string | undefined
function withoutPort(text: string | undefined): string | undefined {
  const colon = text?.lastIndexOf(':') ?? -1
  if (text === undefined || colon < 0 || !/^\d+$/.test(text.slice(colon + 1))) return text
  // Two colons and no bracket before the last one: a bare IPv6 address, not a port.
  const host = text.slice(0, colon)
  return host.includes(':') && !host.endsWith(']') ? text : host
}
