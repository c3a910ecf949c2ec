// What lies between a cluster and its endpoints: TLS, a PROXY header, an HTTP proxy, metadata for an internal listener.
// Sockets are nested in the text, the outermost first; what runs first on the wire stands outermost.
// Envoy: config.core.v3.TransportSocket.

import { isMessage, type Message } from '@bufbuild/protobuf'
import type { Cluster } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerHttp11Proxy, lowerHttpProxy } from './lower-http-proxy.ts'
import { lowerPassedMetadata } from './lower-passed-metadata.ts'
import { lowerProxyProtocolSend } from './lower-proxy-protocol.ts'
import { lowerUpstreamTls } from './lower-tls.ts'
import {
  DownstreamTlsContextSchema,
  Http11ProxyUpstreamTransportSchema,
  HttpProxyTransportSchema,
  InternalUpstreamTransportSchema,
  ProxyProtocolUpstreamTransportSchema,
  UpstreamTlsContextSchema,
  type TransportSocket,
  type UpstreamHttpProtocolOptions,
} from './messages.ts'

export type Transport = Pick<Cluster, 'tls' | 'proxyProtocol' | 'httpProxy' | 'internalPassthrough'>

const PLAIN: Transport = {
  tls: undefined,
  proxyProtocol: undefined,
  httpProxy: undefined,
  internalPassthrough: undefined,
}

/** A cluster's socket with those inside it; `http` carries what the cluster's HTTP options say about SNI. */
export function lowerTransportSocket(
  loading: Loading,
  socket: TransportSocket | undefined,
  spot: Spot,
  http: UpstreamHttpProtocolOptions | undefined,
): Transport {
  if (socket === undefined) return PLAIN
  const config = socket.configType.case === 'typedConfig' ? loading.unpack(socket.configType.value) : undefined
  const at = spot.field('typed_config')
  if (config === undefined) {
    loading.error(spot, `transport socket "${socket.name}" needs typed_config`)
    return PLAIN
  }
  if (isMessage(config, UpstreamTlsContextSchema)) return { ...PLAIN, tls: lowerUpstreamTls(loading, config, at, http) }
  if (isMessage(config, DownstreamTlsContextSchema)) {
    loading.error(
      at.key('@type'),
      'DownstreamTlsContext is for listeners',
      'a cluster takes envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    )
  }
  return lowerWrapper(loading, config, at, http) ?? PLAIN
}

/** A socket around another one; undefined for the others, raw_buffer among them. */
function lowerWrapper(
  loading: Loading,
  config: Message,
  at: Spot,
  http: UpstreamHttpProtocolOptions | undefined,
): Transport | undefined {
  const inside = (socket: TransportSocket | undefined): Transport =>
    lowerTransportSocket(loading, socket, at.field('transport_socket'), http)
  if (isMessage(config, ProxyProtocolUpstreamTransportSchema)) {
    const inner = inside(config.transportSocket)
    refuse(loading, at, inner.proxyProtocol !== undefined, 'upstream_proxy_protocol in itself', 'keep one of the two')
    refuse(
      loading,
      at,
      inner.httpProxy !== undefined,
      'upstream_proxy_protocol around an HTTP proxy socket',
      'put upstream_proxy_protocol inside the HTTP proxy socket: the endpoint then gets the PROXY header, not the proxy',
    )
    return { ...inner, proxyProtocol: lowerProxyProtocolSend(loading, config.config, at.field('config')) }
  }
  if (isMessage(config, InternalUpstreamTransportSchema)) {
    const inner = inside(config.transportSocket)
    refuse(loading, at, inner.internalPassthrough !== undefined, 'internal_upstream in itself', 'keep one of the two')
    return { ...inner, internalPassthrough: lowerPassedMetadata(config) }
  }
  if (isMessage(config, Http11ProxyUpstreamTransportSchema) || isMessage(config, HttpProxyTransportSchema)) {
    const inner = inside(config.transportSocket)
    refuse(loading, at, inner.httpProxy !== undefined, 'an HTTP proxy through another one', 'keep one of the two')
    const httpProxy = isMessage(config, HttpProxyTransportSchema)
      ? lowerHttpProxy(loading, config, at)
      : lowerHttp11Proxy(loading, config, at)
    return { ...inner, httpProxy }
  }
  return undefined
}

function refuse(loading: Loading, at: Spot, wrong: boolean, what: string, hint: string): void {
  if (wrong) loading.error(at.field('transport_socket'), `${what} is not supported by Sluice`, hint)
}
