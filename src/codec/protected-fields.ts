// Header fields that a configured change must not touch: those that make a tunnel's handshake one (RFC 6455 §4, RFC 9110
// §7.8), and those by which the next hop finds the end of a message (RFC 9112 §6).

import type { HeaderList } from './header-list.ts'

const HANDSHAKE: ReadonlySet<string> = new Set([
  'upgrade',
  'connection',
  'sec-websocket-key',
  'sec-websocket-accept',
  'sec-websocket-version',
  'sec-websocket-extensions',
])

const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'trailer'])

/** Whether `name` (lower case) belongs to the handshake; changing it would break or forge the agreement on a tunnel. */
export const isHandshakeField = (name: string): boolean => HANDSHAKE.has(name)

/** Whether `name` (lower case) frames a message; only what makes the body may set it. */
export const isFramingField = (name: string): boolean => FRAMING.has(name)

/** Whether the fields are those of an upgrade, asked for or accepted: heads have HTTP/1.1's form whatever the hop speaks. */
export const isHandshake = (headers: HeaderList): boolean => headers.has('upgrade')
