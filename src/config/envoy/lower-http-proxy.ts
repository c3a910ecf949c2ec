// An HTTP proxy between a cluster and its endpoints. Envoy: Http11ProxyUpstreamTransport v3; with credentials, headers and
// TLS to the proxy: Sluice's sluice.v1.HttpProxyTransport.

import type { HttpProxyHop } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerAddress, lowerIpAddress } from './lower-address.ts'
import { loadData } from './lower-data-source.ts'
import { lowerAdditions } from './lower-header-mutation.ts'
import { lowerUpstreamTls } from './lower-tls.ts'
import type { Http11ProxyUpstreamTransport, HttpProxyTransport } from './messages.ts'

/** Without an address only endpoints that name a proxy in their metadata use one. */
export const lowerHttp11Proxy = (
  loading: Loading,
  message: Http11ProxyUpstreamTransport,
  spot: Spot,
): HttpProxyHop => ({
  address:
    message.defaultProxyAddress &&
    lowerIpAddress(
      loading,
      message.defaultProxyAddress,
      spot.field('default_proxy_address'),
      'a proxy with a name takes "@type": type.googleapis.com/sluice.v1.HttpProxyTransport',
    ),
  basicCredentials: undefined,
  headers: [],
  alwaysConnects: false,
  tls: undefined,
  place: spot.place,
})

/** The proxy may have a name, and the endpoint is always asked for by CONNECT. */
export function lowerHttpProxy(loading: Loading, message: HttpProxyTransport, spot: Spot): HttpProxyHop {
  const at = spot.field('proxy_address')
  const address = lowerAddress(message.proxyAddress, at)
  if (address?.kind === 'socket' && address.port === 0) loading.error(at.field('socket_address'), 'needs port_value')
  const headers = lowerAdditions(
    loading,
    message.headersToAdd,
    spot.field('headers_to_add'),
    'the request is for the endpoint',
  )
  const taken = headers.findIndex(({ name }) => message.basicAuth !== undefined && name === 'proxy-authorization')
  if (taken >= 0)
    loading.error(
      spot.field('headers_to_add').at(taken),
      'proxy-authorization is set by basic_auth already',
      'keep one of the two',
    )
  return {
    address,
    basicCredentials: lowerCredentials(loading, message.basicAuth, spot.field('basic_auth')),
    headers,
    alwaysConnects: true,
    tls: message.proxyTls && lowerUpstreamTls(loading, message.proxyTls, spot.field('proxy_tls'), undefined),
    place: spot.place,
  }
}

/** RFC 7617 §2: no colon in the name, no control characters in either. What is wrong with a password is not quoted. */
function lowerCredentials(loading: Loading, message: HttpProxyTransport['basicAuth'], spot: Spot): string | undefined {
  if (message === undefined) return undefined
  const { username } = message
  const data = loadData(loading, message.password, spot.field('password'))
  // A file made with an editor ends in a line break, which no password has.
  const password = (data?.bytes.toString('utf8') ?? '').replace(/\r?\n$/, '')
  if (username.includes(':'))
    loading.error(spot.field('username'), 'must not have a colon: Basic credentials end the name with one')
  if (CONTROL.test(username)) loading.error(spot.field('username'), 'must not have control characters')
  if (CONTROL.test(password)) loading.errorAtKey(spot.field('password'), 'must not have control characters')
  return `${username}:${password}`
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/
