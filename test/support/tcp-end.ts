// One end of a TCP or TLS connection that a test speaks at: keeps what comes, or only its checksum, and how it ended.

import { createHash, type Hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { until } from './waiting.ts'

/** `reset`: an error ended it. */
export type EndKind = 'open' | 'fin' | 'closed' | 'reset'

const PIECE = 64 * 1024

export class TcpEnd {
  /** `fin`: the peer ended its direction; later `closed` or `reset`. */
  kind: EndKind = 'open'
  readonly #socket: Socket
  /** What alone can send a RST: the socket below TLS. */
  readonly #raw: Socket
  #text = ''
  #hash: Hash | undefined
  #bytes = 0

  constructor(socket: Socket, raw: Socket = socket) {
    this.#socket = socket
    this.#raw = raw
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#became('fin'))
    socket.on('error', () => this.#became('reset'))
    socket.on('close', () => this.#became('closed'))
    raw.on('error', () => this.#became('reset'))
    socket.resume()
  }

  write(text: string): void {
    this.#socket.write(text)
  }

  end(text = ''): void {
    this.#socket.end(text)
  }

  reset(): void {
    this.#raw.resetAndDestroy()
  }

  close(): void {
    this.#socket.destroy()
    this.#raw.destroy()
  }

  /** Waits until exactly this text has come. */
  async has(text: string): Promise<void> {
    await until(() => this.#text === text || undefined, {
      what: JSON.stringify(text),
      ms: 5000,
      detail: () => `there is ${JSON.stringify(this.#text.slice(0, 300))}, ${this.kind}`,
    })
  }

  async becomes(...kinds: readonly EndKind[]): Promise<void> {
    await until(() => kinds.includes(this.kind) || undefined, {
      what: kinds.join(' or '),
      ms: 5000,
      detail: () => `it is ${this.kind}`,
    })
  }

  /** The checksum of the next `bytes`, of which nothing is kept. */
  async checksum(bytes: number): Promise<string> {
    const hash = createHash('sha256')
    this.#hash = hash
    this.#bytes = 0
    await until(() => this.#bytes >= bytes || undefined, {
      what: `${bytes} bytes`,
      ms: 60_000,
      detail: () => `there are ${this.#bytes}, ${this.kind}`,
    })
    this.#hash = undefined
    return `${this.#bytes} ${hash.digest('hex')}`
  }

  /** Sends random bytes; resolves to what `checksum` must say. */
  async send(bytes: number): Promise<string> {
    const hash = createHash('sha256')
    for (let sent = 0; sent < bytes; sent += PIECE) {
      const piece = randomBytes(Math.min(PIECE, bytes - sent))
      hash.update(piece)
      if (!this.#socket.write(piece)) await once(this.#socket, 'drain')
    }
    return `${bytes} ${hash.digest('hex')}`
  }

  #receive(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#hash === undefined) this.#text += chunk.toString('latin1')
    else this.#hash.update(chunk)
  }

  #became(kind: EndKind): void {
    if (this.kind === 'open' || this.kind === 'fin') this.kind = kind
  }
}
