// Where a client wanted to go before the system's packet filter redirected its connection here (SO_ORIGINAL_DST of Linux
// netfilter), asked by a system call, for which Node has no function of its own but `node:ffi`.

import { Buffer } from 'node:buffer'
import { isIPv6 } from 'node:net'
import { ipv6Text, tcpAddress } from './address.ts'
import type { StreamAddress } from './byte-stream.ts'
import { findGetsockopt, type Getsockopt } from './getsockopt.ts'
import type { ReplayableStream } from './replay.ts'
import { SocketStream } from './socket-stream.ts'

/** Asks for the original destination of accepted connections. */
export interface OriginalDestinationLookup {
  /** Undefined when the system knows none: not redirected, or no TCP connection of this machine's network. */
  of(stream: ReplayableStream): StreamAddress | undefined
}

/** The look-up, or a sentence on why this runtime has none. */
export function originalDestinationLookup(): OriginalDestinationLookup | string {
  if (process.platform !== 'linux') return `SO_ORIGINAL_DST is Linux's; this is ${process.platform}`
  const getsockopt = findGetsockopt()
  if (typeof getsockopt === 'string') return getsockopt
  return {
    of(stream) {
      const descriptor = stream instanceof SocketStream ? stream.descriptor : -1
      return descriptor < 0 ? undefined : ask(getsockopt, descriptor, isIPv6(stream.info.local.ip) ? INET6 : INET)
    },
  }
}

interface Family {
  /** SOL_IP, SOL_IPV6. */
  readonly level: number
  /** AF_INET, AF_INET6. */
  readonly number: number
  read(address: Buffer): StreamAddress
}

/** SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST. */
const OPTION = 80

/** `struct sockaddr_in6`, the larger one: family, port, flow information, address, scope. */
const ADDRESS_BYTES = 28

const INET: Family = {
  level: 0,
  number: 2,
  read: (address) => tcpAddress(address.subarray(4, 8).join('.'), address.readUInt16BE(2)),
}

const INET6: Family = {
  level: 41,
  number: 10,
  read: (address) => tcpAddress(ipv6Text(address, 8), address.readUInt16BE(2)),
}

function ask(getsockopt: Getsockopt, descriptor: number, family: Family): StreamAddress | undefined {
  const address = Buffer.alloc(ADDRESS_BYTES)
  const length = Buffer.alloc(4)
  new Uint32Array(length.buffer, length.byteOffset, 1)[0] = ADDRESS_BYTES
  if (getsockopt(descriptor, family.level, OPTION, address, length) !== 0) return undefined
  // The family is in the machine's byte order, the rest in the network's.
  const [filled] = new Uint16Array(address.buffer, address.byteOffset, 1)
  return filled === family.number ? family.read(address) : undefined
}
