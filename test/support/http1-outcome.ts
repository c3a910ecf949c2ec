// What an HTTP/1 codec makes of raw bytes, as short lines: the language of the golden corpus and of the fuzzer.

import { http1Client } from '../../src/codec/http1/client.ts'
import { type Http1ServerOptions, http1ClientOptions, http1ServerOptions } from '../../src/codec/http1/options.ts'
import { serveHttp1 } from '../../src/codec/http1/server.ts'
import { HeaderList } from '../../src/codec/header-list.ts'
import type {
  ClientStreamSink,
  RequestHead,
  ResponseHead,
  ServerConnectionSink,
  ServerStream,
} from '../../src/codec/http-stream.ts'
import { errorEntry } from '../../src/core/errors.ts'
import { ScriptedStream } from './scripted-stream.ts'

const IGNORE = (): void => {}
const HOOKS = { onHeadStart: IGNORE, onHeadComplete: IGNORE, onIdle: IGNORE, onClosing: IGNORE }

/**
 * Feeds `chunks` to a server that answers each complete request with an empty 200, and refuses tunnels with 403.
 * Lines: `GET authority path` with ` upgrade:type` or ` connect`, `+field: value` for the fields asked for by `show`,
 * `body N`, `status detail` for a refusal, at last `kept`, `closed`. `observe` sees each head before it is answered.
 */
export function requestOutcome(
  chunks: readonly Uint8Array[],
  options: Partial<Http1ServerOptions> = {},
  show: readonly string[] = [],
  observe: (head: RequestHead, endStream: boolean) => void = IGNORE,
): string[] {
  const stream = new ScriptedStream()
  const lines: string[] = []
  const sink: ServerConnectionSink = {
    answersContinue: true,
    onRequest: (exchange, head, endStream) => {
      observe(head, endStream)
      acceptRequest(lines, exchange, head, endStream, show)
    },
    onCodecError: (code) => lines.push(`${errorEntry(code).status} ${errorEntry(code).detail}`),
    onConnectionClose: IGNORE,
  }
  serveHttp1(stream, sink, http1ServerOptions({ hooks: HOOKS, ...options }))
  for (const chunk of chunks) stream.feed(chunk)
  lines.push(stream.writeStatus === 'open' ? 'kept' : 'closed')
  return lines
}

function acceptRequest(
  lines: string[],
  exchange: ServerStream,
  head: RequestHead,
  endStream: boolean,
  show: readonly string[],
): void {
  const tunnel =
    head.tunnel === undefined ? '' : head.tunnel.kind === 'connect' ? ' connect' : ` upgrade:${head.tunnel.type}`
  lines.push(`${head.method} ${head.authority || '-'} ${head.path || '-'}${tunnel}`)
  for (const name of show) lines.push(`+${name}: ${head.headers.getAll(name) ?? '(none)'}`)
  let bytes = 0
  const answer = (status: number): void => exchange.respond({ status, reason: '', headers: new HeaderList() }, true)
  const end = (): void => {
    lines.push(`body ${bytes}`)
    answer(200)
  }
  exchange.setSink({
    onData: (_buffer, start, stop, last) => {
      bytes += stop - start
      if (last) end()
    },
    onTrailers: (trailers) => {
      lines.push(`trailers ${trailers.size}`)
      end()
    },
    onDrain: IGNORE,
    onReset: (cause) => {
      if (cause.code !== 'finished')
        lines.push(`reset ${errorEntry(cause.code).status} ${errorEntry(cause.code).detail}`)
    },
  })
  if (head.tunnel !== undefined) answer(403)
  else if (endStream) answer(200)
}

/** What the request was whose response is fed. */
export const ASKED: Readonly<Record<string, Pick<RequestHead, 'method' | 'tunnel'>>> = {
  GET: { method: 'GET', tunnel: undefined },
  HEAD: { method: 'HEAD', tunnel: undefined },
  POST: { method: 'POST', tunnel: undefined },
  CONNECT: { method: 'CONNECT', tunnel: { kind: 'connect' } },
  websocket: { method: 'GET', tunnel: { kind: 'upgrade', type: 'websocket' } },
  either: { method: 'GET', tunnel: { kind: 'upgrade', type: 'foo, websocket' } },
}

/**
 * Feeds `chunks`, and the end of the connection when `ends`, to a client that has sent the request `asked`. Lines: `1xx`
 * status, `status`, `tunnel status`, `+field: value`, `body N`, `trailers N`, `reset code`, at last `kept`, `closed`.
 */
export function responseOutcome(
  chunks: readonly Uint8Array[],
  asked: string,
  ends = false,
  show: readonly string[] = [],
): string[] {
  const stream = new ScriptedStream()
  const lines: string[] = []
  const client = http1Client(stream, { onAvailability: IGNORE, onConnectionClose: IGNORE }, http1ClientOptions())
  const request = ASKED[asked] ?? ASKED['GET']
  const head: RequestHead = {
    scheme: 'http',
    authority: 'a.example:80',
    path: '/',
    protocol: 'HTTP/1.1',
    headers: new HeaderList(),
    method: 'GET',
    tunnel: undefined,
    ...request,
  }
  client.request(head, head.tunnel === undefined, responseSink(lines, head, show))
  for (const chunk of chunks) stream.feed(chunk)
  if (ends) stream.feedEnd()
  lines.push(stream.closed === undefined ? 'kept' : 'closed')
  return lines
}

function responseSink(lines: string[], request: RequestHead, show: readonly string[]): ClientStreamSink {
  let bytes = 0
  return {
    onInformational: (head) => lines.push(`1xx ${head.status}`),
    onResponse: (head, endStream) => {
      lines.push(`${opensTunnel(request, head) ? 'tunnel ' : ''}${head.status}`)
      for (const name of show) lines.push(`+${name}: ${head.headers.getAll(name) ?? '(none)'}`)
      if (endStream) lines.push('body 0')
    },
    onData: (_buffer, start, end, last) => {
      bytes += end - start
      if (last) lines.push(`body ${bytes}`)
    },
    onTrailers: (trailers) => lines.push(`body ${bytes}`, `trailers ${trailers.size}`),
    onDrain: IGNORE,
    onReset: (cause) => lines.push(`reset ${cause.code}`),
  }
}

const opensTunnel = (request: RequestHead, head: ResponseHead): boolean =>
  head.status === 101 || (request.tunnel?.kind === 'connect' && head.status >= 200 && head.status < 300)
