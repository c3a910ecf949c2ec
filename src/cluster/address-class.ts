// Which addresses are not of the public internet: what a proxy for strangers must not dial unless told. IANA's registries
// of special-purpose addresses (RFC 6890), and the forms that carry an IPv4 address inside an IPv6 one.

import { type IpGroups, inRange, type IpRange, ipRange } from '../transport/ip-range.ts'

export interface AddressClass {
  /** With its article: `a loopback address`. */
  readonly name: string
  /** CIDR text. */
  readonly range: string
}

/** The class of an address that is not public; undefined for a public one. */
export function specialClass(ip: IpGroups): AddressClass | undefined {
  const found = CLASSES.find(({ net }) => inRange(ip, net))
  if (found !== undefined) return found
  if (ip.length !== 8) return undefined
  const carrier = EMBEDDED.find(({ net }) => inRange(ip, net))
  if (carrier !== undefined) {
    const inner = specialClass(ip.slice(carrier.at, carrier.at + 2))
    return inner === undefined ? undefined : { name: `${inner.name} inside ${carrier.name}`, range: inner.range }
  }
  // RFC 4291 §2.4 and IANA: only 2000::/3 is handed out as global unicast.
  return inRange(ip, GLOBAL_UNICAST) ? undefined : RESERVED
}

interface Known extends AddressClass {
  readonly net: IpRange
}

const net = (range: string): IpRange => {
  const [address = '', prefix] = range.split('/')
  const parsed = ipRange({ address, prefixLength: Number(prefix) })
  if (parsed === undefined) throw new Error(`${range} is no range`)
  return parsed
}

const known = (name: string, ...ranges: readonly string[]): Known[] =>
  ranges.map((range) => ({ name, range, net: net(range) }))

const GLOBAL_UNICAST = net('2000::/3')
const RESERVED: AddressClass = { name: 'a reserved address', range: 'outside 2000::/3' }

const CLASSES: readonly Known[] = [
  ...known('a loopback address', '127.0.0.0/8', '::1/128'),
  ...known('the unspecified address', '::/128', '0.0.0.0/8'),
  // Cloud metadata services live at 169.254.169.254 and fd00:ec2::254.
  ...known('a link-local address', '169.254.0.0/16', 'fe80::/10'),
  ...known('a private address', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fec0::/10'),
  ...known('a shared carrier address', '100.64.0.0/10'),
  ...known('the broadcast address', '255.255.255.255/32'),
  ...known('a multicast address', '224.0.0.0/4', 'ff00::/8'),
  // Public by number, but answered by the virtual machine's host: Azure's metadata and agent service.
  ...known('the address of a cloud host service', '168.63.129.16/32'),
  ...known(
    'a documentation address',
    '192.0.2.0/24',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '2001:db8::/32',
    '3fff::/20',
  ),
  ...known('a reserved address', '192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15', '240.0.0.0/4', '2001::/23'),
]

/** IPv6 forms with an IPv4 address at group `at`: NAT64 (RFC 6052) and 6to4 (RFC 3056). The rest is outside 2000::/3. */
const EMBEDDED: readonly { readonly name: string; readonly net: IpRange; readonly at: number }[] = [
  { name: 'a NAT64 address', net: net('64:ff9b::/96'), at: 6 },
  { name: 'a 6to4 address', net: net('2002::/16'), at: 1 },
]
