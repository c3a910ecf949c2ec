// A TCP or TLS client that says exactly what a test tells it and keeps what comes back.

import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { within } from './waiting.ts'

/** An answer's head, and the bytes behind it as far as they have come. */
export interface RawAnswer {
  readonly status: number
  /** Names in lower case; repeated ones joined with `, `. */
  readonly headers: ReadonlyMap<string, string>
  readonly head: string
}

export type ConnectionEnd = 'fin' | 'reset'

export interface RawClient {
  readonly socket: Socket
  write(data: string | Buffer): void
  /** Reads one response head. */
  answer(): Promise<RawAnswer>
  /** Reads exactly so many bytes. */
  read(bytes: number): Promise<Buffer>
  /** Reads until the peer ends; resolves to what was left. */
  rest(): Promise<Buffer>
  /** How the peer ended, once it has. */
  readonly ended: Promise<ConnectionEnd>
  /** Half-close. */
  end(): void
  /** A reset (RST). */
  reset(): void
  close(): void
}

/** Connects to loopback; half-open sockets are allowed. */
export async function rawClient(port: number, tls?: ConnectionOptions): Promise<RawClient> {
  const target = { host: '127.0.0.1', port, allowHalfOpen: true }
  const socket = tls === undefined ? connect(target) : connectTls({ ...target, ...tls })
  await within(
    new Promise<void>((resolve, reject) => {
      socket.once(tls === undefined ? 'connect' : 'secureConnect', () => resolve())
      socket.once('error', reject)
    }),
    `a connection to port ${port}`,
  )
  return new Client(socket)
}

class Client implements RawClient {
  readonly socket: Socket
  readonly ended: Promise<ConnectionEnd>
  #pending = Buffer.alloc(0)
  #ended = false
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.ended = new Promise((resolve) => {
      socket.on('end', () => this.#finish(resolve, 'fin'))
      socket.on('error', () => this.#finish(resolve, 'reset'))
      socket.on('close', () => this.#finish(resolve, 'fin'))
    })
    socket.on('data', (chunk: Buffer) => {
      this.#pending = Buffer.concat([this.#pending, chunk])
      this.#wake?.()
    })
  }

  write(data: string | Buffer): void {
    this.socket.write(data)
  }

  async answer(): Promise<RawAnswer> {
    const end = await this.#find(() => {
      const at = this.#pending.indexOf('\r\n\r\n')
      return at < 0 ? undefined : at + 4
    }, 'a response head')
    return parseHead(this.#take(end).toString('latin1'))
  }

  async read(bytes: number): Promise<Buffer> {
    await this.#find(() => (this.#pending.length >= bytes ? bytes : undefined), `${bytes} bytes`)
    return this.#take(bytes)
  }

  async rest(): Promise<Buffer> {
    await within(this.ended, 'the end of the connection')
    return this.#take(this.#pending.length)
  }

  end(): void {
    this.socket.end()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  close(): void {
    this.socket.destroy()
  }

  #finish(resolve: (end: ConnectionEnd) => void, end: ConnectionEnd): void {
    this.#ended = true
    resolve(end)
    this.#wake?.()
  }

  #take(bytes: number): Buffer {
    const taken = this.#pending.subarray(0, bytes)
    this.#pending = this.#pending.subarray(bytes)
    return taken
  }

  async #find(look: () => number | undefined, what: string): Promise<number> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (this.#ended)
        throw new Error(
          `the connection ended before ${what}; there is ${JSON.stringify(this.#pending.toString('latin1').slice(0, 500))}`,
        )
      await within(
        new Promise<void>((resolve) => {
          this.#wake = resolve
        }),
        `${what} (there is ${JSON.stringify(this.#pending.toString('latin1').slice(0, 500))})`,
      )
    }
  }
}

/** Parses the head of an HTTP/1.1 message whose first line is a status line. */
export function parseHead(head: string): RawAnswer {
  const [first = '', ...lines] = head.trimEnd().split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const known = headers.get(name)
    headers.set(name, known === undefined ? value : `${known}, ${value}`)
  }
  return { status: Number(first.split(' ')[1]), headers, head }
}

/** An HTTP/1.1 upgrade request. */
export function upgradeRequest(
  path: string,
  type = 'websocket',
  { method = 'GET', headers = {} }: { method?: string; headers?: Readonly<Record<string, string>> } = {},
): string {
  const webSocket: Record<string, string> =
    type === 'websocket' ? { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' } : {}
  const all = { host: 'app.example', connection: 'Upgrade', upgrade: type, ...webSocket, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
