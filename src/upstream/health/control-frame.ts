// Control frames as a client sends them (RFC 6455 §5.2, §5.3, §5.5).

import { randomBytes } from 'node:crypto'

const MASK_BYTES = 4
const OPCODES = { close: 0x8, ping: 0x9 } as const

/** A masked frame; `payload` has at most 125 bytes. */
export function controlFrame(kind: keyof typeof OPCODES, payload: Buffer): Buffer {
  const mask = randomBytes(MASK_BYTES)
  const masked = payload.map((byte, index) => byte ^ (mask[index % MASK_BYTES] ?? 0))
  return Buffer.concat([Buffer.from([0x80 | OPCODES[kind], 0x80 | payload.length]), mask, masked])
}

/** Close with code 1000 and no reason. */
export const normalClosure = (): Buffer => controlFrame('close', Buffer.from([0x03, 0xe8]))
