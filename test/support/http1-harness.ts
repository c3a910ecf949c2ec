// A server and a client connection of the HTTP/1 codec on scripted streams, with everything their sinks heard.

import { http1Client } from '../../src/codec/http1/client.ts'
import {
  type Http1ClientOptions,
  type Http1ServerHooks,
  type Http1ServerOptions,
  http1ClientOptions,
  http1ServerOptions,
} from '../../src/codec/http1/options.ts'
import { serveHttp1 } from '../../src/codec/http1/server.ts'
import { HeaderList } from '../../src/codec/header-list.ts'
import type {
  ClientConnection,
  ClientStream,
  RequestHead,
  ResponseHead,
  ServerConnection,
  ServerStream,
  TunnelIntent,
} from '../../src/codec/http-stream.ts'
import type { ByteStreamSink } from '../../src/transport/byte-stream.ts'
import { ScriptedStream } from './scripted-stream.ts'

/** Lets promises and microtasks run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A response head. */
export const response = (status: number, fields: string[] = []): ResponseHead => ({
  status,
  reason: '',
  headers: new HeaderList(fields),
})

/** A request head. */
export const request = (method: string, path: string, fields: string[] = [], tunnel?: TunnelIntent): RequestHead => ({
  method,
  scheme: 'http',
  authority: 'a.example',
  path,
  protocol: 'HTTP/1.1',
  headers: new HeaderList(fields),
  tunnel,
})

/** Writes `text` as body bytes. */
export function send(stream: ServerStream | ClientStream, text: string, endStream = false): boolean {
  const bytes = Buffer.from(text, 'latin1')
  return stream.sendData(bytes, 0, bytes.length, endStream)
}

export interface ServerHarness {
  readonly stream: ScriptedStream
  readonly connection: ServerConnection
  /** What the sinks heard, in order. */
  readonly heard: string[]
  readonly exchanges: ServerStream[]
  readonly heads: RequestHead[]
  /** The last exchange. */
  exchange(): ServerStream
}

/** A server connection; its hooks are written down when `recordHooks`. */
export function serverHarness(
  options: Partial<Http1ServerOptions> & {
    readonly answersContinue?: boolean
    readonly recordHooks?: boolean
    readonly noHooks?: boolean
  } = {},
): ServerHarness {
  const stream = new ScriptedStream()
  const heard: string[] = []
  const exchanges: ServerStream[] = []
  const heads: RequestHead[] = []
  const note = (what: string) => (): void => {
    if (options.recordHooks === true) heard.push(what)
  }
  const hooks: Http1ServerHooks = {
    onHeadStart: note('head-start'),
    onHeadComplete: note('head-complete'),
    onIdle: note('idle'),
    onClosing: note('closing'),
  }
  const sink = {
    answersContinue: options.answersContinue ?? true,
    onRequest: (exchange: ServerStream, head: RequestHead, endStream: boolean): void => {
      heard.push(`request ${head.method} ${head.path}${endStream ? ' end' : ''}`)
      exchanges.push(exchange)
      heads.push(head)
      exchange.setSink({
        onData: (buffer, start, end, last) =>
          heard.push(`data ${buffer.toString('latin1', start, end)}${last ? ' end' : ''}`),
        onTrailers: (trailers) => heard.push(`trailers ${trailers.fields.join(' ')}`),
        onDrain: () => heard.push('drain'),
        onReset: (cause) => heard.push(`reset ${cause.by} ${cause.code}`),
      })
    },
    onCodecError: (code: string): void => void heard.push(`error ${code}`),
    onConnectionClose: (cause: { by: string; code: string }): void =>
      void heard.push(`closed ${cause.by} ${cause.code}`),
  }
  const connection = serveHttp1(
    stream,
    sink,
    http1ServerOptions(options.noHooks === true ? options : { hooks, ...options }),
  )
  const exchange = (): ServerStream => {
    const last = exchanges.at(-1)
    if (last === undefined) throw new Error('no request arrived')
    return last
  }
  return { stream, connection, heard, exchanges, heads, exchange }
}

export interface ClientHarness {
  readonly stream: ScriptedStream
  readonly connection: ClientConnection
  readonly heard: string[]
  readonly heads: ResponseHead[]
  ask(head: RequestHead, endStream: boolean): ClientStream
}

/** A client connection. */
export function clientHarness(options: Partial<Http1ClientOptions> = {}): ClientHarness {
  const stream = new ScriptedStream()
  const heard: string[] = []
  const heads: ResponseHead[] = []
  const sink = {
    onAvailability: (): void => void heard.push('available'),
    onConnectionClose: (cause: { by: string; code: string }): void =>
      void heard.push(`closed ${cause.by} ${cause.code}`),
  }
  const connection = http1Client(stream, sink, http1ClientOptions(options))
  const ask = (head: RequestHead, endStream: boolean): ClientStream =>
    connection.request(head, endStream, {
      onInformational: (answer) => heard.push(`1xx ${answer.status}`),
      onResponse: (answer, last) => {
        heads.push(answer)
        heard.push(`response ${answer.status}${last ? ' end' : ''}`)
      },
      onData: (buffer, start, end, last) =>
        heard.push(`data ${buffer.toString('latin1', start, end)}${last ? ' end' : ''}`),
      onTrailers: (trailers) => heard.push(`trailers ${trailers.fields.join(' ')}`),
      onDrain: () => heard.push('drain'),
      onReset: (cause) => heard.push(`reset ${cause.by} ${cause.code}`),
    })
  return { stream, connection, heard, heads, ask }
}

/** A sink of a tunnel that writes down what it hears. */
export const tunnelSink = (heard: string[]): ByteStreamSink => ({
  onData: (buffer, start, end) => heard.push(`bytes ${buffer.toString('latin1', start, end)}`),
  onEnd: () => heard.push('end'),
  onDrain: () => heard.push('tunnel drain'),
  onClose: (cause) => heard.push(`tunnel closed ${cause.code}`),
})
