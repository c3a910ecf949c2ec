// What lies between a cluster and its endpoints, outermost first: internal metadata, an HTTP proxy, a PROXY header, TLS.

import type { Cluster, HttpProxyHop } from '../model/cluster.ts'
import { addressMessage } from './address.ts'
import { headerOption } from './header-mutation.ts'
import { dataSource, extension, fields, type Fields, listOf } from './json.ts'
import { proxyProtocolConfig } from './proxy-protocol.ts'
import { UPSTREAM_TLS, upstreamTls } from './tls.ts'

const SOCKETS = 'envoy.extensions.transport_sockets.'
const RAW = extension('envoy.transport_sockets.raw_buffer', `${SOCKETS}raw_buffer.v3.RawBuffer`)

/** TransportSocket; undefined for plain TCP. */
export function transportSocket(cluster: Cluster): Fields | undefined {
  const { tls, proxyProtocol, httpProxy, internalPassthrough } = cluster
  let socket = tls === undefined ? undefined : extension('envoy.transport_sockets.tls', UPSTREAM_TLS, upstreamTls(tls))
  if (proxyProtocol !== undefined) {
    socket = extension(
      'envoy.transport_sockets.upstream_proxy_protocol',
      `${SOCKETS}proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
      { config: proxyProtocolConfig(proxyProtocol), transport_socket: socket ?? RAW },
    )
  }
  if (httpProxy !== undefined) socket = throughProxy(httpProxy, socket)
  if (internalPassthrough !== undefined) {
    const passthrough = listOf(internalPassthrough, ({ from, namespace }) => ({
      kind: { [from]: {} },
      name: namespace,
    }))
    socket = extension(
      'envoy.transport_sockets.internal_upstream',
      `${SOCKETS}internal_upstream.v3.InternalUpstreamTransport`,
      fields({ passthrough_metadata: passthrough, transport_socket: socket ?? RAW }),
    )
  }
  return socket
}

function throughProxy(hop: HttpProxyHop, inner: Fields | undefined): Fields {
  const address = hop.address && addressMessage(hop.address)
  if (!hop.alwaysConnects) {
    return extension(
      'envoy.transport_sockets.http_11_proxy',
      `${SOCKETS}http_11_proxy.v3.Http11ProxyUpstreamTransport`,
      fields({ default_proxy_address: address, transport_socket: inner ?? RAW }),
    )
  }
  const { basicCredentials: credentials } = hop
  const colon = credentials?.indexOf(':') ?? -1
  return extension(
    'sluice.transport_sockets.http_proxy',
    'sluice.v1.HttpProxyTransport',
    fields({
      proxy_address: address,
      basic_auth: credentials && {
        username: credentials.slice(0, colon),
        password: dataSource(credentials.slice(colon + 1)),
      },
      headers_to_add: listOf(hop.headers, headerOption),
      proxy_tls: hop.tls && upstreamTls(hop.tls),
      transport_socket: inner,
    }),
  )
}
