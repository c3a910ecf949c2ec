// Reads the text form of a PROXY header, one line: `PROXY TCP4 <source> <destination> <source port> <destination port>`
// (proxy-protocol.txt §2.1).

import type { Buffer } from 'node:buffer'
import { isIPv4, isIPv6 } from 'node:net'
import { canonicalIpv6, tcpAddress } from '../../transport/address.ts'
import { type ProxyEndpoints, type ProxyHeaderResult, V1_BYTES, V1_SIGNATURE } from './header.ts'

const CR = 13
const LF = 10

/** Reads `bytes`, which begin with the signature. */
export function readV1(bytes: Buffer): ProxyHeaderResult {
  const end = lineEnd(bytes)
  if (end === undefined) {
    if (bytes.length >= V1_BYTES) return malformed(`the line is longer than ${V1_BYTES} bytes`)
    return { kind: 'incomplete', version: 'v1', wanted: bytes.length + 1 }
  }
  if (end < 0) return malformed('the line does not end in CR LF')
  const endpoints = readLine(bytes.toString('latin1', V1_SIGNATURE.length, end))
  if (typeof endpoints === 'string') return malformed(endpoints)
  return { kind: 'header', header: { version: 'v1', endpoints, tlvs: [] }, length: end + 2 }
}

const malformed = (reason: string): ProxyHeaderResult => ({ kind: 'malformed', version: 'v1', reason })

/** Where the CR of the line's end stands; undefined = it has not come; negative = a CR or LF stands alone. */
function lineEnd(bytes: Buffer): number | undefined {
  const limit = Math.min(bytes.length, V1_BYTES)
  for (let at = V1_SIGNATURE.length; at < limit; at++) {
    if (bytes[at] === LF) return -1
    if (bytes[at] !== CR) continue
    if (at + 1 >= limit) return undefined
    return bytes[at + 1] === LF ? at : -1
  }
  return undefined
}

/** The line after `PROXY `; a sentence when it is wrong. Fields stand one space apart (§2.1). */
function readLine(line: string): ProxyEndpoints | string {
  const [family = '', source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = line.split(' ')
  // §2.1: after UNKNOWN everything up to the line's end is to be ignored.
  if (family === 'UNKNOWN') return { kind: 'local' }
  if (family !== 'TCP4' && family !== 'TCP6') return 'the family is not TCP4, TCP6 or UNKNOWN'
  if (more.length > 0) return 'the line has too many fields'
  const addressOf = family === 'TCP4' ? ipv4Of : ipv6Of
  const addresses = { source: addressOf(source), destination: addressOf(destination) }
  if (addresses.source === undefined || addresses.destination === undefined) return `an address does not fit ${family}`
  const ports = { source: portOf(sourcePort), destination: portOf(destinationPort) }
  if (ports.source === undefined || ports.destination === undefined) return 'a port is not a number from 0 to 65535'
  return {
    kind: 'ip',
    transport: 'stream',
    source: tcpAddress(addresses.source, ports.source),
    destination: tcpAddress(addresses.destination, ports.destination),
  }
}

const ipv4Of = (text: string): string | undefined => (isIPv4(text) ? text : undefined)

/** A zone (`fe80::1%eth0`) means something only on the machine that wrote it. */
const ipv6Of = (text: string): string | undefined =>
  isIPv6(text) && !text.includes('%') ? canonicalIpv6(text) : undefined

/** §2.1: decimal, without leading zeros. */
function portOf(text: string): number | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : 65_536
  return port <= 65_535 ? port : undefined
}
