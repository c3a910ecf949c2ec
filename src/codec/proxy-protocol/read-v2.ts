// Reads the binary form of a PROXY header (proxy-protocol.txt §2.2): addresses by family, then TLVs.

import type { Buffer } from 'node:buffer'
import { ipv6Text, pipeAddress, tcpAddress } from '../../transport/address.ts'
import type { StreamAddress } from '../../transport/byte-stream.ts'
import type { ReceivedTlv } from '../../transport/connection-state.ts'
import { checksumProblem } from './checksum.ts'
import * as wire from './header.ts'
import { readTlvs } from './tlvs.ts'

const VERSION = 2
const LOCAL = 0
const PROXY = 1

/** Reads `bytes`, which begin with the signature. */
export function readV2(bytes: Buffer): wire.ProxyHeaderResult {
  const versionAndCommand = bytes[wire.V2_SIGNATURE.length]
  const familyAndTransport = bytes[wire.V2_SIGNATURE.length + 1]
  // What is wrong is said before more is waited for.
  if (versionAndCommand !== undefined && versionAndCommand >> 4 !== VERSION) return malformed('the version is not 2')
  const command = (versionAndCommand ?? 0) & 0xf
  if (command !== LOCAL && command !== PROXY) return malformed('the command is neither LOCAL nor PROXY')
  const block = blockOf(command, familyAndTransport)
  if (block === undefined) return malformed('the address family or transport is none of the defined ones')
  if (bytes.length < wire.V2_FIXED_BYTES) return incomplete(wire.V2_FIXED_BYTES)
  const length = bytes.readUInt16BE(wire.V2_FIXED_BYTES - 2)
  if (length < block.bytes)
    return malformed(`the length ${length} is less than the ${block.bytes} bytes of the addresses`)
  const total = wire.V2_FIXED_BYTES + length
  if (bytes.length < total) return incomplete(total)
  // §2.2: with LOCAL the whole block is skipped, whatever family and bytes it has.
  if (command === LOCAL) return header({ kind: 'local' }, [], total)
  return readBlock(bytes.subarray(0, total), block)
}

const malformed = (reason: string): wire.ProxyHeaderResult => ({ kind: 'malformed', version: 'v2', reason })

const incomplete = (wanted: number): wire.ProxyHeaderResult => ({ kind: 'incomplete', version: 'v2', wanted })

const header = (
  endpoints: wire.ProxyEndpoints,
  tlvs: readonly ReceivedTlv[],
  length: number,
): wire.ProxyHeaderResult => ({ kind: 'header', header: { version: 'v2', endpoints, tlvs }, length })

interface AddressBlock {
  readonly bytes: number
  readonly endpoints: (block: Buffer, transport: 'stream' | 'datagram') => wire.ProxyEndpoints
  readonly transport: 'stream' | 'datagram'
}

/** §2.2: family in the upper half byte, transport in the lower one; other values must be refused. */
function blockOf(command: number, familyAndTransport: number | undefined): AddressBlock | undefined {
  if (command === LOCAL || familyAndTransport === undefined || familyAndTransport === 0) return NO_BLOCK
  const family = FAMILIES[(familyAndTransport >> 4) - 1]
  const transport = TRANSPORTS[(familyAndTransport & 0xf) - 1]
  return family === undefined || transport === undefined ? undefined : { ...family, transport }
}

const TRANSPORTS = ['stream', 'datagram'] as const

const NO_BLOCK: AddressBlock = { bytes: 0, transport: 'stream', endpoints: () => ({ kind: 'unspecified' }) }

const FAMILIES: readonly Omit<AddressBlock, 'transport'>[] = [
  {
    bytes: wire.INET_BYTES,
    endpoints: (block, transport) => ({
      kind: 'ip',
      transport,
      source: tcpAddress(block.subarray(0, 4).join('.'), block.readUInt16BE(8)),
      destination: tcpAddress(block.subarray(4, 8).join('.'), block.readUInt16BE(10)),
    }),
  },
  {
    bytes: wire.INET6_BYTES,
    endpoints: (block, transport) => ({
      kind: 'ip',
      transport,
      source: tcpAddress(ipv6Text(block, 0), block.readUInt16BE(32)),
      destination: tcpAddress(ipv6Text(block, 16), block.readUInt16BE(34)),
    }),
  },
  {
    bytes: wire.UNIX_BYTES,
    endpoints: (block, transport) => ({
      kind: 'unix',
      transport,
      source: unixAddress(block.subarray(0, wire.UNIX_PATH_BYTES)),
      destination: unixAddress(block.subarray(wire.UNIX_PATH_BYTES)),
    }),
  },
]

/** A path ends at its first NUL; one that begins with NUL is an abstract name, printed with `@`. */
function unixAddress(field: Buffer): StreamAddress {
  const abstract = field[0] === 0
  const from = abstract ? 1 : 0
  const end = field.indexOf(0, from)
  const path = field.toString('latin1', from, end < 0 ? field.length : end)
  return pipeAddress(abstract && path !== '' ? `@${path}` : path)
}

function readBlock(bytes: Buffer, block: AddressBlock): wire.ProxyHeaderResult {
  const extensions = wire.V2_FIXED_BYTES + block.bytes
  const tlvs = readTlvs(bytes, extensions)
  if (typeof tlvs === 'string') return malformed(tlvs)
  const problem = checksumProblem(bytes, tlvs)
  if (problem !== undefined) return malformed(problem)
  const endpoints = block.endpoints(bytes.subarray(wire.V2_FIXED_BYTES, extensions), block.transport)
  return header(endpoints, tlvs, bytes.length)
}
