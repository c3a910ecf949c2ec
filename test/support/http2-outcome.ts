// What an HTTP/2 codec makes of a sequence of frames, as short lines: the language of the golden table and of the fuzzer.

import assert from 'node:assert/strict'
import { http2Client } from '../../src/codec/http2/client.ts'
import { type Http2Options, http2Options } from '../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../src/codec/http2/server.ts'
import { HeaderList } from '../../src/codec/header-list.ts'
import type {
  ClientConnection,
  RequestHead,
  ServerConnection,
  ServerStream,
  TunnelIntent,
} from '../../src/codec/http-stream.ts'
import { FrameNames } from './http2-frames.ts'
import { ManualClock } from './manual-clock.ts'
import { ScriptedStream } from './scripted-stream.ts'

/** What a run looks like from outside. */
export interface Outcome {
  /** Frames sent and what sinks heard, in order; at last `open` or `closed`. Our SETTINGS and their ACK are left out. */
  readonly lines: string[]
  /** Most bytes of incomplete frames and header blocks held at a time. */
  readonly mostHeld: number
}

/** A connection under observation. */
class Observed {
  readonly stream = new ScriptedStream()
  readonly clock = new ManualClock()
  readonly lines: string[] = []
  mostHeld = 0
  readonly ends: OneEnd[] = []
  readonly #names = new FrameNames()
  #seen = 0

  /** Names what was sent since the last look. */
  look(): void {
    const sent = this.stream.written.slice(this.#seen)
    this.#seen = this.stream.written.length
    for (const line of this.#names.read(Buffer.from(sent, 'latin1'))) {
      if (!line.startsWith('settings')) this.lines.push(line)
    }
  }

  note(line: string): void {
    this.look()
    this.lines.push(line)
  }

  async feed(chunks: readonly Uint8Array[], connection: ServerConnection | ClientConnection): Promise<void> {
    for (const chunk of chunks) {
      this.stream.feed(chunk)
      if ('heldBytes' in connection && typeof connection.heldBytes === 'number') {
        this.mostHeld = Math.max(this.mostHeld, connection.heldBytes)
      }
    }
    // What was held for a sink comes in a microtask.
    await new Promise((resolve) => setImmediate(resolve))
    this.look()
    this.lines.push(this.stream.closed === undefined ? 'open' : 'closed')
    if (this.stream.closed !== undefined) for (const end of this.ends) end.over()
  }

  /** A stream whose end is watched. */
  watch(what: string): OneEnd {
    const end = new OneEnd(what)
    this.ends.push(end)
    return end
  }
}

/** Sees that each stream's sink hears exactly one end, the last thing it hears. */
class OneEnd {
  #ended = false
  #reset = false
  readonly #what: string

  constructor(what: string) {
    this.#what = what
  }

  more(event: string): void {
    assert.ok(!this.#reset, `${event} after the reset of ${this.#what}`)
    assert.ok(!this.#ended || event === 'drain', `${event} after the end of ${this.#what}`)
  }

  end(event: string): void {
    this.more(event)
    this.#ended = true
  }

  /** The connection is gone. */
  over(): void {
    assert.ok(this.#ended || this.#reset, `${this.#what} was never told its end`)
  }

  reset(): void {
    assert.ok(!this.#reset, `two resets of ${this.#what}`)
    this.#reset = true
  }
}

/**
 * Feeds `chunks` to a server. It answers a complete request with an empty 200; `/early` before the body, `/hold` never,
 * `/pause` neither reads nor answers, `/send` has 10 bytes; tunnels get 200 and are left open when `acceptTunnels`, else 403.
 */
export async function serverOutcome(
  chunks: readonly Uint8Array[],
  options: Partial<Http2Options> = {},
  acceptTunnels = false,
): Promise<Outcome> {
  const observed = new Observed()
  const connection = serveHttp2(
    observed.stream,
    {
      answersContinue: true,
      onRequest: (stream, head, endStream) => acceptRequest(observed, stream, head, endStream, acceptTunnels),
      onCodecError: (code, detail) => observed.note(`error ${code}: ${detail}`),
      onConnectionClose: () => undefined,
    },
    http2Options({ clock: observed.clock, allowConnect: true, ...options }),
  )
  observed.look()
  observed.lines.length = 0
  await observed.feed(chunks, connection)
  return observed
}

function acceptRequest(
  observed: Observed,
  stream: ServerStream,
  head: RequestHead,
  endStream: boolean,
  accept: boolean,
): void {
  const { method, authority, path, tunnel } = head
  observed.note(`${method} ${authority || '-'} ${path || '-'}${tunnelWords(tunnel)}${fieldWords(head.headers)}`)
  const end = observed.watch(`${method} ${path}`)
  if (endStream) end.end('head')
  let bytes = 0
  const done = (): void => {
    if (path === '/hold' || path === '/early') return
    stream.respond({ status: 200, reason: '', headers: new HeaderList() }, path !== '/send')
    if (path === '/send') stream.sendData(Buffer.alloc(10), 0, 10, true)
  }
  stream.setSink({
    onData: (_buffer, from, to, last) => {
      if (last) end.end('data')
      else end.more('data')
      bytes += to - from
      if (!last) return
      observed.note(`body ${bytes}`)
      done()
    },
    onTrailers: (trailers) => {
      end.end('trailers')
      observed.note(`body ${bytes} trailers${fieldWords(trailers)}`)
      done()
    },
    onDrain: () => end.more('drain'),
    onReset: (cause) => {
      end.reset()
      observed.note(`reset ${cause.by} ${cause.code}`)
    },
  })
  if (tunnel !== undefined) return answerTunnel(observed, stream, accept, end)
  if (path === '/pause') stream.pauseReading(8)
  if (path === '/early') stream.respond({ status: 200, reason: '', headers: new HeaderList() }, true)
  else if (endStream) done()
}

function answerTunnel(observed: Observed, stream: ServerStream, accept: boolean, end: OneEnd): void {
  // What comes of a refused tunnel is nobody's; if it ended already, so has the exchange.
  if (!accept) end.end('refusal')
  stream.respond({ status: accept ? 200 : 403, reason: '', headers: new HeaderList() }, !accept)
  if (accept) observeTunnel(observed, stream, end)
}

function observeTunnel(
  observed: Observed,
  stream: Pick<ServerStream, 'intoByteStream' | 'resumeReading'>,
  end: OneEnd,
): void {
  const bytes = stream.intoByteStream()
  stream.resumeReading(2)
  let text = ''
  bytes.setSink({
    onData: (buffer, from, to) => {
      end.more('bytes')
      text += buffer.toString('latin1', from, to)
    },
    onEnd: () => {
      end.end('half-close')
      observed.note(`bytes ${text} end`)
    },
    onDrain: () => end.more('drain'),
    onClose: () => end.reset(),
  })
}

const tunnelWords = (tunnel: TunnelIntent | undefined): string =>
  tunnel === undefined ? '' : tunnel.kind === 'connect' ? ' connect' : ` upgrade:${tunnel.type}`

const fieldWords = (headers: HeaderList): string => [...headers].map(([name, value]) => ` ${name}=${value}`).join('')

/** What a client may have asked for. */
export const ASKED: Readonly<Record<string, Pick<RequestHead, 'method' | 'tunnel'>>> = {
  GET: { method: 'GET', tunnel: undefined },
  HEAD: { method: 'HEAD', tunnel: undefined },
  POST: { method: 'POST', tunnel: undefined },
  CONNECT: { method: 'CONNECT', tunnel: { kind: 'connect' } },
  websocket: { method: 'GET', tunnel: { kind: 'upgrade', type: 'websocket' } },
}

/** Feeds `chunks` to a client that has sent the requests `asked`; only POST and the tunnels stay open on its side. */
export async function clientOutcome(
  chunks: readonly Uint8Array[],
  asked: readonly string[],
  options: Partial<Http2Options> = {},
): Promise<Outcome> {
  const observed = new Observed()
  const connection = http2Client(
    observed.stream,
    { onAvailability: () => undefined, onConnectionClose: () => undefined },
    http2Options({ clock: observed.clock, ...options }),
  )
  for (const name of asked) ask(observed, connection, name)
  observed.look()
  observed.lines.length = 0
  await observed.feed(chunks, connection)
  return observed
}

function ask(observed: Observed, connection: ClientConnection, name: string): void {
  const { method, tunnel } = ASKED[name] ?? { method: 'GET', tunnel: undefined }
  const head: RequestHead = {
    method,
    scheme: 'http',
    authority: 'a',
    path: '/',
    protocol: 'HTTP/2',
    headers: new HeaderList(),
    tunnel,
  }
  const end = observed.watch(name)
  let bytes = 0
  const stream = connection.request(head, tunnel === undefined && method !== 'POST', {
    onInformational: ({ status }) => {
      end.more('informational')
      observed.note(`1xx ${status}`)
    },
    onResponse: ({ status, headers }, endStream) => {
      const opens = tunnel !== undefined && (status === 101 || (tunnel.kind === 'connect' && status < 300))
      if (endStream && !opens) end.end('response')
      else end.more('response')
      observed.note(`response ${status}${endStream ? ' end' : ''}${fieldWords(headers)}`)
      if (opens) observeTunnel(observed, stream, end)
    },
    onData: (_buffer, from, to, last) => {
      if (last) end.end('data')
      else end.more('data')
      bytes += to - from
      if (last) observed.note(`body ${bytes}`)
    },
    onTrailers: (trailers) => {
      end.end('trailers')
      observed.note(`body ${bytes} trailers${fieldWords(trailers)}`)
    },
    onDrain: () => end.more('drain'),
    onReset: (cause) => {
      end.reset()
      observed.note(`reset ${cause.by} ${cause.code}`)
    },
  })
}
