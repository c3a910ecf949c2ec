// A small name server (RFC 1035) on a UDP socket of loopback: it answers what the test wrote down for a name, and counts.

import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** What a name leads to. */
export interface Zone {
  /** IPv4 and IPv6. */
  addresses: readonly string[]
  ttlSeconds: number
  /** RFC 1035 §4.1.1: 0 no error, 2 server failure, 3 no such name. */
  code: number
}

export interface DnsServer {
  readonly port: number
  /** By name; others do not exist. */
  readonly zones: Map<string, Zone>
  /** Questions for a name and type so far. */
  asked(name: string, type: 'A' | 'AAAA'): number
  stop(): Promise<void>
}

const TYPES = { A: 1, AAAA: 28 } as const

export const zone = (addresses: readonly string[], ttlSeconds = 60): Zone => ({ addresses, ttlSeconds, code: 0 })

export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const zones = new Map<string, Zone>()
  const counts = new Map<string, number>()
  socket.on('message', (message, { port, address }) => {
    const { name, type, end } = readQuestion(message)
    const key = `${name} ${type}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
    socket.send(answer(message.subarray(0, end), type, zones.get(name)), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    port: socket.address().port,
    zones,
    asked: (name, type) => counts.get(`${name} ${TYPES[type]}`) ?? 0,
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}

const HEADER_BYTES = 12

function readQuestion(message: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

function answer(question: Buffer, type: number, { addresses, ttlSeconds, code }: Zone = NO_SUCH_NAME): Buffer {
  const wanted = addresses.filter((address) => isIPv6(address) === (type === TYPES.AAAA))
  const header = Buffer.from(question)
  header.writeUInt16BE(0x8180 | code, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(code === 0 ? wanted.length : 0, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, ...(code === 0 ? wanted.map((address) => record(address, ttlSeconds)) : [])])
}

const NO_SUCH_NAME: Zone = { addresses: [], ttlSeconds: 0, code: 3 }

/** Of the name in the question, by a pointer to it (RFC 1035 §4.1.4). */
function record(address: string, ttlSeconds: number): Buffer {
  const bytes = isIPv6(address) ? ipv6Bytes(address) : Buffer.from(address.split('.').map(Number))
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(bytes.length === 4 ? TYPES.A : TYPES.AAAA, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttlSeconds, 6)
  head.writeUInt16BE(bytes.length, 10)
  return Buffer.concat([head, bytes])
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)))
  const missing = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array.from({ length: missing }, () => 0), ...groups(tail)]
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]))
}
