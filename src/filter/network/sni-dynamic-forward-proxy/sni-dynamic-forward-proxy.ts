// Gate that looks up the TLS server name of a connection, so that the tcp_proxy behind it can dial it through a
// dynamic-forward-proxy cluster (Envoy: envoy.filters.network.sni_dynamic_forward_proxy). Without a name it lets pass.

import type { DnsCache, LookupTicket } from '../../../cluster/dns-cache/dns-cache.ts'
import type { LookupFailure, NameWaiter } from '../../../cluster/dns-cache/waiting.ts'
import { DYNAMIC_HOST, DYNAMIC_PORT } from '../../../cluster/target.ts'
import { readHost } from '../../../config/model/host-name.ts'
import { closeCause } from '../../../core/close-cause.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import { printable } from '../../../core/printable.ts'
import { ConnectionState } from '../../../transport/connection-state.ts'
import type { ReplayableStream } from '../../../transport/replay.ts'
import type { Admission, Arrival, ConnectionGateFilter, ConnectionPass } from '../../network-filter.ts'

/** `port`: where the host is dialled unless filter state says otherwise. */
export function sniDynamicForwardProxy(port: number, cache: DnsCache): ConnectionGateFilter {
  return {
    admit(arrival, decide) {
      const named = nameOf(arrival)
      if (named === '') {
        decide(ADMITTED)
        return undefined
      }
      const host = readHost(named)
      if (host.kind === 'invalid') {
        decide(refused('invalid_authority', `the server name "${printable(named.slice(0, SHOWN))}" ${host.reason}`))
        return undefined
      }
      if (host.kind === 'name') return lookUp(host.name, port, cache, arrival, decide)
      name(arrival.stream, host.ip, port)
      decide(ADMITTED)
      return undefined
    },
  }
}

/** Filter state that was set before wins, as in Envoy. */
const nameOf = ({ stream, serverName }: Arrival): string =>
  stream.info.state?.filterState.get(DYNAMIC_HOST) ??
  (serverName === '' ? (stream.info.tls?.serverName ?? '') : serverName)

function lookUp(
  host: string,
  port: number,
  cache: DnsCache,
  { stream }: Arrival,
  decide: (admission: Admission) => void,
): ConnectionPass | undefined {
  let ticket: LookupTicket | undefined
  const resolved = (): void => {
    ticket = undefined
    name(stream, host, port)
    decide(ADMITTED)
  }
  const waiter: NameWaiter = {
    onResolved: resolved,
    onLookupFailed: (failure) => decide(failed(host, failure)),
  }
  const lookup = cache.lookup(host, waiter)
  if (lookup.kind === 'resolved') resolved()
  else if (lookup.kind === 'failed') decide(failed(host, lookup.failure))
  else ticket = lookup.ticket
  return ticket === undefined ? undefined : { released: () => ticket?.cancel() }
}

function name(stream: ReplayableStream, host: string, port: number): void {
  const { state = new ConnectionState() } = stream.info
  state.filterState.set(DYNAMIC_HOST, host)
  if (!state.filterState.has(DYNAMIC_PORT)) state.filterState.set(DYNAMIC_PORT, String(port))
  stream.amend({ state })
}

function failed(host: string, { kind, reason }: LookupFailure): Admission {
  const overflow = kind === 'hosts-overflow' || kind === 'pending-overflow'
  return refused(
    overflow ? 'dns_cache_overflow' : 'target_name_unresolved',
    `the server name ${host} cannot be looked up: ${reason}`,
  )
}

const ADMITTED: Admission = { kind: 'admitted' }
/** Characters of a bad server name that its explanation shows. */
const SHOWN = 100

const refused = (code: ErrorCode, detail: string): Admission => ({
  kind: 'refused',
  cause: closeCause('proxy', 'tcp', code, detail),
  delayMs: 0,
})
