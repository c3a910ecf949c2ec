// The HTTP proxy on the way to an endpoint, if there is one: whose address is dialled, whether it is asked to CONNECT, and
// what it is asked. Envoy: the http_11_proxy transport socket (envoy.md §2.9).

import { isIPv6 } from 'node:net'
import type { Clock } from '../core/clock.ts'
import type { ConnectionId } from '../core/ids.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import { type Address, addressText } from '../config/model/address.ts'
import type { Cluster, HttpProxyHop } from '../config/model/cluster.ts'
import type { UpstreamTls } from '../config/model/tls.ts'
import { blankFacts } from '../format/blank-facts.ts'
import { evaluate } from '../format/evaluate.ts'
import { NO_ADDRESS } from '../transport/address.ts'
import type { TlsClient } from '../transport/tls.ts'
import type { DialMode } from './dial.ts'
import type { DownstreamOrigin } from './stream-need.ts'

/** A proxy on the way. */
export interface ProxyHop {
  readonly address: Address
  /** `10.0.0.1:3128`, for sentences. */
  readonly text: string
  /** TLS to the proxy itself. */
  readonly tls: { readonly client: TlsClient; readonly serverName: string } | undefined
  /** False: it gets absolute-form requests instead of a CONNECT. */
  readonly connects: boolean
  readonly settings: HttpProxyHop | undefined
}

/** The hop of connections to `endpoint`; undefined = it is reached directly. `tls` makes clients for the proxy itself. */
export function hopTo(
  cluster: Cluster,
  endpoint: Endpoint,
  mode: DialMode,
  tls: ((host: string) => TlsClient) | undefined,
): ProxyHop | undefined {
  const { httpProxy } = cluster
  const address = endpoint.config.httpProxy ?? httpProxy?.address
  if (address === undefined) return undefined
  return {
    address,
    text: addressText(address),
    tls: tls === undefined || httpProxy?.tls === undefined ? undefined : proxyTls(address, httpProxy.tls, tls),
    connects: connects(cluster, endpoint, mode),
    settings: httpProxy,
  }
}

/**
 * Envoy asks an endpoint's own proxy to CONNECT always, and the cluster's only when TLS follows: otherwise plain requests go
 * to it as to any forward proxy. A hop of ours always CONNECTs, and so does all that is not HTTP/1.
 */
function connects(cluster: Cluster, endpoint: Endpoint, mode: DialMode): boolean {
  const { httpProxy, tls } = cluster
  if (endpoint.config.httpProxy !== undefined || tls !== undefined) return true
  if (mode === 'raw' || mode === 'http2' || httpProxy === undefined) return true
  return httpProxy.alwaysConnects
}

function proxyTls(
  address: Address,
  settings: UpstreamTls,
  clients: (host: string) => TlsClient,
): { client: TlsClient; serverName: string } {
  const host = address.kind === 'socket' ? address.host : ''
  const serverName = settings.autoHostSni || settings.sni === '' ? host : settings.sni
  return { client: clients(serverName), serverName }
}

/** The target of the CONNECT (RFC 9110 §9.3.6): the endpoint's name, which the proxy resolves, or its address. */
export function connectAuthority(endpoint: Endpoint): string | undefined {
  const [address] = endpoint.addresses
  if (address?.kind !== 'socket') return undefined
  const { hostname } = endpoint
  if (hostname === '') return addressText(address)
  return isIPv6(hostname) ? `[${hostname}]:${address.port}` : `${hostname}:${address.port}`
}

/** Whether what is sent to the proxy names the client, so that clients cannot share connections. */
export const hopNamesClient = (hop: HttpProxyHop | undefined): boolean =>
  hop?.headers.some(({ value }) => value.parts.some(({ kind }) => kind === 'operator')) === true

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody's connection
const NOBODY = 0 as ConnectionId

/** Header fields of the CONNECT. Secret: may hold credentials. */
export function connectFields(
  { settings }: ProxyHop,
  clock: Clock,
  downstream: DownstreamOrigin | undefined,
): (readonly [name: string, value: string])[] {
  const fields: (readonly [string, string])[] = []
  if (settings === undefined) return fields
  const { basicCredentials, headers } = settings
  // RFC 7617 §2.
  if (basicCredentials !== undefined)
    fields.push(['proxy-authorization', `Basic ${Buffer.from(basicCredentials, 'utf8').toString('base64')}`])
  if (headers.length === 0) return fields
  const info = downstream?.info ?? { local: NO_ADDRESS, remote: NO_ADDRESS }
  const entrance = { listenerName: '', filterChainName: '' }
  const facts = blankFacts(clock, downstream?.connectionId ?? NOBODY, info, entrance, undefined)
  for (const { name, value, keepEmpty } of headers) {
    const text = evaluate(value, facts)
    if (text !== '' || keepEmpty) fields.push([name, text])
  }
  return fields
}
