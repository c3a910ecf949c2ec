// From a decoded field section to the request head that all versions share (RFC 9113 §8.3.1, RFC 8441 §4), or to the
// reason why there is none.

import type { ErrorCode } from '../../core/errors.ts'
import { isConnectAuthority, mimicsConnect } from '../connect-target.ts'
import type { RequestHead, TunnelIntent } from '../http-stream.ts'
import type { HeaderList } from '../header-list.ts'
import { isToken } from '../header-list.ts'
import { BYTESTREAM, isWebSocket, METHOD_FIELD, takeUpgradeMethod } from '../upgrade-translation.ts'
import type { FieldSection } from './field-section.ts'

/** RFC 3986 §3.1. */
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/
// RFC 9113 §8.3.1: host and port, no userinfo. Also keeps an authority from breaking an HTTP/1 request line.
const AUTHORITY = /^[A-Za-z0-9._~!$&'()*+,;=:[\]%-]+$/
// No white space or controls (a path becomes part of an HTTP/1 request line); obs-text is left to whoever looks at paths.
const PATH = /^[\x21-\x7e\x80-\xff]+$/

const OWN_TUNNEL: TunnelIntent = { kind: 'connect' }

/** The head, or why the request is malformed. `allowProtocol`: this side offered extended CONNECT. */
export function requestHeadOf(section: FieldSection, allowProtocol: boolean): RequestHead | string {
  if (section.malformed !== '') return section.malformed
  const { method, scheme, path, host } = section
  if (method === undefined) return ':method is missing'
  if (!isToken(method)) return ':method is not a token'
  const authority = section.authority ?? host ?? ''
  if (authority !== '' && !AUTHORITY.test(authority)) return 'the authority is not valid'
  // §8.3.1: two different answers to "which host" are one trick more for a smuggler.
  if (section.authority !== undefined && host !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    return 'host differs from :authority'
  }
  if (scheme !== undefined && !SCHEME.test(scheme)) return ':scheme is not valid'
  if (path !== undefined && !PATH.test(path)) return ':path is empty or not valid'
  if (section.protocol !== undefined) return extendedConnect(section, section.protocol, authority, allowProtocol)
  if (method === 'CONNECT') return plainConnect(section, authority)
  if (scheme === undefined) return ':scheme is missing'
  if (path === undefined) return ':path is missing'
  return head(method, scheme.toLowerCase(), authority, path, section.takeHeaders(), undefined)
}

/** RFC 9113 §8.5. */
function plainConnect(section: FieldSection, authority: string): RequestHead | string {
  if (section.authority === undefined || authority === '') return ':authority is missing'
  if (section.scheme !== undefined || section.path !== undefined) return 'CONNECT has a :scheme or a :path'
  return connect(section, 'http', authority, '')
}

/** RFC 8441 §4. */
function extendedConnect(
  section: FieldSection,
  type: string,
  authority: string,
  allowed: boolean,
): RequestHead | string {
  if (!allowed) return ':protocol without SETTINGS_ENABLE_CONNECT_PROTOCOL'
  if (section.method !== 'CONNECT') return ':protocol with a method other than CONNECT'
  if (type === '') return ':protocol is empty'
  const { scheme, path } = section
  if (scheme === undefined) return ':scheme is missing'
  if (path === undefined) return ':path is missing'
  if (authority === '') return ':authority is missing'
  if (type === BYTESTREAM) return connect(section, scheme.toLowerCase(), authority, path)
  const length = tunnelLength(section)
  if (length !== undefined) return length
  const headers = section.takeHeaders()
  headers.remove('content-length')
  if (section.upgradeMethod !== undefined) headers.add(METHOD_FIELD, section.upgradeMethod)
  const told = takeUpgradeMethod(headers)
  headers.add('upgrade', type)
  headers.add('connection', 'upgrade')
  // RFC 6455 §4.1: a WebSocket handshake is a GET, whatever the field says.
  const method = isWebSocket(type) ? 'GET' : told
  return head(method, scheme.toLowerCase(), authority, path, headers, { kind: 'upgrade', type })
}

function connect(section: FieldSection, scheme: string, authority: string, path: string): RequestHead | string {
  const length = tunnelLength(section)
  if (length !== undefined) return length
  const headers = section.takeHeaders()
  headers.remove('content-length')
  return head('CONNECT', scheme, authority, path, headers, OWN_TUNNEL)
}

/** RFC 9110 §9.3.6: a tunnel request has no content; a length of 0 is harmless and dropped. */
const tunnelLength = ({ contentLength }: FieldSection): string | undefined =>
  contentLength === undefined || Number(contentLength) === 0 ? undefined : 'a tunnel request has a content-length'

function head(
  method: string,
  scheme: string,
  authority: string,
  path: string,
  headers: HeaderList,
  tunnel: TunnelIntent | undefined,
): RequestHead {
  return { method, scheme, authority, path, protocol: 'HTTP/2', headers, tunnel }
}

/**
 * Why a well-formed request is refused, with a status and without harm to the connection: another proxy may share it
 * among its clients.
 */
export function refusalOf(head: RequestHead): { readonly code: ErrorCode; readonly detail: string } | undefined {
  if (mimicsConnect(head.method)) return { code: 'invalid_method', detail: 'the method differs from CONNECT by case' }
  // RFC 9110 §9.3.6: an empty or impossible port is answered with 400.
  if (head.tunnel?.kind === 'connect' && !isConnectAuthority(head.authority))
    return { code: 'invalid_authority', detail: 'the target of CONNECT is not a host with a port' }
  return undefined
}

/** What could be read of a malformed request, for the log. */
export function partialHead(section: FieldSection): Partial<RequestHead> {
  const { method, authority, path, scheme } = section
  return {
    protocol: 'HTTP/2',
    ...(method === undefined ? {} : { method }),
    ...(authority === undefined ? {} : { authority }),
    ...(path === undefined ? {} : { path }),
    ...(scheme === undefined ? {} : { scheme }),
  }
}
