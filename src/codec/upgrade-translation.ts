// One table of how an upgrade looks on each version, used by every codec so that any hop joins any hop.
//
//   internal and HTTP/1.1                     HTTP/2 (RFC 8441), HTTP/3 (RFC 9220)
//   <METHOD> path, upgrade: T, connection     :method CONNECT, :protocol T, :path, :scheme, :authority
//   101 + upgrade: T + connection: upgrade    200 without the two
//   CONNECT authority                         :method CONNECT, :authority (no :path, no :protocol)
//
// Extended CONNECT has no place for the method. Envoy makes it GET; Sluice carries any other one in METHOD_FIELD, which
// only its codecs write and read: it never enters or leaves by HTTP/1.1 and is dropped wherever it is not an extended CONNECT.

import { mimicsConnect } from './connect-target.ts'
import { type HeaderList, isToken } from './header-list.ts'

/** Field that carries the method of an upgrade over an extended CONNECT between two Sluices. */
export const METHOD_FIELD = 'x-sluice-upgrade-method'

/** `:protocol` of RFC 9297-style byte tunnels that are a CONNECT, not an upgrade. */
export const BYTESTREAM = 'bytestream'

/** Whether a Connection field lists `token` (lower case), in any case, in any of its comma lists (RFC 9110 §7.6.1). */
export function connectionHas(headers: HeaderList, token: string): boolean {
  const { fields } = headers
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === 'connection' && listHas(fields[i + 1] ?? '', token)) return true
  }
  return false
}

function listHas(list: string, token: string): boolean {
  const lower = list.toLowerCase()
  if (lower === token) return true
  return lower.includes(token) && lower.split(',').some((part) => part.trim() === token)
}

/** The method an extended CONNECT stands for; removes the field. Anything that is no plain method counts as GET. */
export function takeUpgradeMethod(headers: HeaderList): string {
  const method = headers.get(METHOD_FIELD)
  if (method === undefined) return 'GET'
  headers.remove(METHOD_FIELD)
  return isToken(method) && method !== 'CONNECT' && !mimicsConnect(method) ? method : 'GET'
}

/** Whether `type` is the WebSocket protocol (RFC 6455 §4.1: case-insensitive). */
export const isWebSocket = (type: string): boolean => type.length === 9 && type.toLowerCase() === 'websocket'

/** Whether `type` is UDP proxying (RFC 9298 §3). */
export const isConnectUdp = (type: string): boolean => type.length === 11 && type.toLowerCase() === 'connect-udp'
