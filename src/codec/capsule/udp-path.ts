// The path that names the target of a CONNECT-UDP request: `/.well-known/masque/udp/{host}/{port}/`, the default template of
// RFC 9298 §3. Envoy takes no other one.

import { isIPv6 } from 'node:net'

/** Where a CONNECT-UDP request wants to go. */
export type UdpTarget =
  | {
      readonly kind: 'target'
      /** Name or address, without brackets. */
      readonly host: string
      readonly port: number
      /** `host:port`, an IPv6 address in brackets. */
      readonly authority: string
    }
  | { readonly kind: 'invalid'; readonly explanation: string }

const PREFIX = '/.well-known/masque/udp/'

/** The path for `host` (a name, or an address with or without brackets) and `port`. */
export function udpPath(host: string, port: number): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  // RFC 9298 §3: the colons of an IPv6 address are percent-encoded. Whatever else is no name character is, too, so that a
  // name from a format string stays one path segment.
  return `${PREFIX}${encodeURIComponent(bare)}/${port}/`
}

/** Reads the path of a request. The final slash is part of it; a query is not. */
export function readUdpPath(path: string): UdpTarget {
  if (!/^[\x21-\x7e]*$/.test(path)) return invalid('it has a character that is not printable ASCII')
  if (!path.startsWith(PREFIX)) return invalid(`it does not start with ${PREFIX}`)
  const [encodedHost = '', portText = '', tail, ...more] = path.slice(PREFIX.length).split('/')
  if (tail !== '' || more.length > 0) return invalid('it is not {host}/{port}/ after the prefix')
  const port = portOf(portText)
  if (port === undefined) return invalid('the port is not a number from 1 to 65535')
  const host = decoded(encodedHost)
  // A zone id (`%25eth0`) names an interface of the client, not of this machine.
  if (host === undefined || host.includes('%'))
    return invalid('the host is not percent-encoded rightly, or has a zone id')
  if (isIPv6(host)) return { kind: 'target', host, port, authority: `[${host}]:${port}` }
  if (!NAME.test(host)) return invalid('the host is no name and no IP address')
  return { kind: 'target', host, port, authority: `${host}:${port}` }
}

/** RFC 3986 §3.2.2, reg-name, decoded; anything else could be read as another authority further on. */
// A dot in front is no name, and `..` would be a step up the path.
const NAME = /^(?!\.)[A-Za-z0-9._~!$&'()*+,;=-]{1,255}$/

const invalid = (why: string): UdpTarget => ({
  kind: 'invalid',
  explanation: `the path does not name a UDP target: ${why} (RFC 9298 §3)`,
})

function portOf(text: string): number | undefined {
  if (!/^[0-9]{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port >= 1 && port <= 65535 ? port : undefined
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // A % without two hexadecimal digits, or bytes that are no UTF-8.
    return undefined
  }
}
