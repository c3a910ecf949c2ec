// What a CONNECT may name (RFC 9110 §9.3.6, RFC 9113 §8.5), stricter than any other authority: the name is resolved and
// dialled, matched by policies and written into further requests, and all of them must read the same host and port in it.

import { isIPv6 } from 'node:net'

// A registered name or IPv4 address without userinfo, escapes and sub-delimiters, which resolvers and proxies read
// differently; or an IPv6 literal without a zone, which means something on one machine only (RFC 6874).
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|[0-9A-Za-z._~-]+)$/
const PORT = /^[1-9][0-9]{0,4}$/

/** RFC 1035 §2.3.4, with a dot at the end. */
const MAX_HOST_LENGTH = 254

/** Whether `text` is `host:port` with a port from 1 to 65535 and nothing else. */
export function isConnectTarget(text: string): boolean {
  const colon = portColon(text)
  return colon > 0 && isPort(text.slice(colon + 1)) && isHost(text.slice(0, colon))
}

/**
 * The same, but a port may be absent altogether. Deviation: RFC 9113 §8.5 asks for it, but Envoy writes the name that it
 * was configured with, and a route with a fixed cluster has no use for the port.
 */
export const isConnectAuthority = (text: string): boolean =>
  isConnectTarget(text) || (portColon(text) < 0 && isHost(text))

/** Whether a method could be taken for CONNECT by a server that does not heed case (RFC 9110 §9.1: it counts). */
export const mimicsConnect = (method: string): boolean =>
  method.length === 7 && method !== 'CONNECT' && method.toUpperCase() === 'CONNECT'

/** The colon before the port; those of an IPv6 literal are none. */
function portColon(text: string): number {
  const colon = text.lastIndexOf(':')
  return colon > text.lastIndexOf(']') ? colon : -1
}

const isPort = (text: string): boolean => PORT.test(text) && Number(text) <= 0xffff

function isHost(text: string): boolean {
  if (text.length > MAX_HOST_LENGTH) return false
  const match = HOST.exec(text)
  if (match === null) return false
  const address = match[1]
  return address === undefined || isIPv6(address)
}
