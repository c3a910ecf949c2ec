// Digests of every byte that a socket or stream wrote and read, to show that a proxy between two of them changed nothing.

import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'

export interface ByteTrace {
  /** Hex digests and sizes of everything so far. */
  sent(): string
  received(): string
}

/** Watches `stream` from now on. */
export function traceBytes(stream: Duplex): ByteTrace {
  const sent = counter()
  const received = counter()
  const write = stream.write.bind(stream)
  const traced = (chunk: unknown, ...rest: unknown[]): boolean => {
    sent.add(chunk)
    return Reflect.apply(write, stream, [chunk, ...rest])
  }
  Reflect.set(stream, 'write', traced)
  stream.prependListener('data', (chunk: Buffer) => received.add(chunk))
  return { sent: sent.text, received: received.text }
}

function counter(): { add(chunk: unknown): void; text(): string } {
  const hash = createHash('sha256')
  let bytes = 0
  return {
    add(chunk) {
      const buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (!(buffer instanceof Uint8Array)) throw new Error('a traced stream carries bytes only')
      bytes += buffer.length
      hash.update(buffer)
    },
    text: () => `${bytes} bytes ${hash.copy().digest('hex')}`,
  }
}
