// An HTTP/1.1 application (node:http and ws) that does with the requests for a path, one after another, what a test wrote
// down for it: answers, resets, silence, an accepted WebSocket. It keeps what it received.

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

/** What happens to one request; `accept` opens a WebSocket that echoes. */
export type Step =
  | 'reset'
  | 'hang'
  | 'accept'
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
      readonly delayMs?: number
      /** Answers before the body is complete. */
      readonly early?: boolean
    }

export interface SeenRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  /** Complete once the request is. */
  body: string
  complete: boolean
}

export interface ScriptedApp {
  readonly port: number
  /** What came for a path (without its query), in order. */
  seen(path: string): readonly SeenRequest[]
  stop(): Promise<void>
}

/** `scripts`: by path; the last step goes on for ever. Other paths get 200. */
export async function startScriptedApp(scripts: Readonly<Record<string, readonly Step[]>> = {}): Promise<ScriptedApp> {
  const app = new App(scripts)
  await app.listen()
  return app
}

class App implements ScriptedApp {
  readonly #scripts: Readonly<Record<string, readonly Step[]>>
  readonly #seen = new Map<string, SeenRequest[]>()
  readonly #sockets = new Set<Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #webSockets = new WebSocketServer({ noServer: true })
  readonly #server = createServer((request, response) => this.#onRequest(request, response))

  constructor(scripts: Readonly<Record<string, readonly Step[]>>) {
    this.#scripts = scripts
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => undefined)
    })
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  seen(path: string): readonly SeenRequest[] {
    return this.#seen.get(path) ?? []
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #note(request: IncomingMessage): { readonly seen: SeenRequest; readonly step: Step } {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const known = this.#seen.get(path) ?? []
    const seen: SeenRequest = { method: request.method ?? '', headers: request.headers, body: '', complete: false }
    this.#seen.set(path, [...known, seen])
    const script = this.#scripts[path] ?? []
    return { seen, step: script[known.length] ?? script.at(-1) ?? { status: 200 } }
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { seen, step } = this.#note(request)
    request.on('error', () => undefined)
    request.on('data', (chunk: Buffer) => (seen.body += chunk.toString('latin1')))
    request.on('end', () => {
      seen.complete = true
      if (typeof step === 'string' || step.early !== true) this.#do(step, request, response)
    })
    if (typeof step === 'object' && step.early === true) this.#do(step, request, response)
  }

  #do(step: Step, request: IncomingMessage, response: ServerResponse): void {
    if (step === 'reset') request.socket.resetAndDestroy()
    if (typeof step === 'string') return
    const answer = (): void => void response.writeHead(step.status, step.headers ?? {}).end(step.body ?? '')
    if (step.delayMs === undefined) answer()
    else this.#timers.add(setTimeout(answer, step.delayMs))
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { step } = this.#note(request)
    if (step === 'reset') socket.destroy()
    else if (step === 'accept') this.#webSockets.handleUpgrade(request, socket, head, echo)
    else if (typeof step === 'object')
      socket.end(`HTTP/1.1 ${step.status} X\r\ncontent-length: ${step.body?.length ?? 0}\r\n\r\n${step.body ?? ''}`)
  }
}

function echo(socket: WebSocket): void {
  socket.on('message', (data, binary) => socket.send(data, { binary }))
  socket.on('error', () => undefined)
}
