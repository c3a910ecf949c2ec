// Host names as configurations and requests spell them, brought to one spelling: lower case, without the dot that ends an
// absolute name (RFC 1035 §3.1, RFC 1123 §2.1). Short and non-decimal IPv4 spellings are refused: resolvers disagree on them.

import { isIP, isIPv6, SocketAddress } from 'node:net'

export type HostText =
  | { readonly kind: 'name'; readonly name: string }
  /** In its one spelling, without brackets; an IPv4-mapped address as the IPv4 address it stands for. */
  | { readonly kind: 'ip'; readonly ip: string }
  /** `reason` follows the text in a sentence: `"a..b" has an empty label`. */
  | { readonly kind: 'invalid'; readonly reason: string }

// oxlint-disable-next-line no-control-regex -- everything but ASCII is what is looked for
const NOT_ASCII = /[^\x00-\x7f]/
const NOT_IN_NAME = /[^a-z0-9_.-]/
/** RFC 1035 §2.3.4. */
const NAME_LENGTH = 253
const LABEL_LENGTH = 63

/** Reads a host: a name, an IPv4 address, or an IPv6 address without brackets. */
export function readHost(text: string): HostText {
  if (isIP(text) !== 0) return text.includes('%') ? invalid('has a zone') : { kind: 'ip', ip: plainIp(text) }
  // Lower-casing first could turn other letters into ASCII ones.
  if (NOT_ASCII.test(text)) return invalid('has letters outside ASCII; write the name in its xn-- form')
  const name = text.toLowerCase().replace(/\.$/, '')
  const reason = faultOf(name)
  return reason === undefined ? { kind: 'name', name } : invalid(reason)
}

/** The one spelling of an IP address; other text comes back unchanged. */
export function plainIp(ip: string): string {
  if (!isIPv6(ip) || ip.includes('%')) return ip
  const { address } = new SocketAddress({ address: ip, family: 'ipv6' })
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

const invalid = (reason: string): HostText => ({ kind: 'invalid', reason })

function faultOf(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name.length > NAME_LENGTH) return `is longer than ${NAME_LENGTH} characters`
  if (NOT_IN_NAME.test(name)) return 'has a character that no host name has'
  const labels = name.split('.')
  if (labels.includes('')) return 'has an empty label'
  if (labels.some((label) => label.length > LABEL_LENGTH)) return `has a label longer than ${LABEL_LENGTH} characters`
  // RFC 1123 §2.1: the last label of a name is never a number; inet_aton would read `127.1` and `0x7f.1` as 127.0.0.1.
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? ''))
    return 'looks like an IP address in a short or non-decimal spelling; write all four decimal numbers'
  return undefined
}
