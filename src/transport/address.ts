// Stream addresses in the one spelling that logs, matchers and headers use.

import type { StreamAddress } from './byte-stream.ts'

/** The address of an end that has no name: an unbound pipe, or a socket that was gone before it was asked. */
export const NO_ADDRESS: StreamAddress = { ip: '', port: 0, text: '' }

/** `1.2.3.4:80`, `[::1]:80`. An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is written as the IPv4 address it stands for. */
export function tcpAddress(ip: string, port: number): StreamAddress {
  const plain = ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip
  return { ip: plain, port, text: plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}` }
}

/** A Unix socket: its path, or `@name` for an abstract one. */
export function pipeAddress(path: string): StreamAddress {
  return { ip: path, port: 0, text: path }
}
