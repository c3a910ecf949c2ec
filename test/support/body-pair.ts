// Both ends of a tunnel that was asked for by POST, made by both sides of a codec on a joined pair of streams.

import { type BodyStreamOptions, bodyByteStream } from '../../src/codec/body-stream.ts'
import { HeaderList } from '../../src/codec/header-list.ts'
import { http1Client } from '../../src/codec/http1/client.ts'
import { http1ClientOptions, http1ServerOptions } from '../../src/codec/http1/options.ts'
import { serveHttp1 } from '../../src/codec/http1/server.ts'
import { http2Client } from '../../src/codec/http2/client.ts'
import { type Http2Options, http2Options } from '../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../src/codec/http2/server.ts'
import type {
  ClientConnection,
  RequestHead,
  ServerConnection,
  ServerConnectionSink,
  ServerStream,
} from '../../src/codec/http-stream.ts'
import { closeCause } from '../../src/core/close-cause.ts'
import type { ByteStream } from '../../src/transport/byte-stream.ts'
import type { StreamPair } from '../conformance/byte-stream.ts'

const nothing = (): void => {}
const STOP = closeCause('operator', 'server', 'admin_close')

/** A pair over HTTP/1. */
export function http1BodyPair(pair: StreamPair): Promise<StreamPair> {
  const hooks = { onHeadStart: nothing, onHeadComplete: nothing, onIdle: nothing, onClosing: nothing }
  const serve = (sink: ServerConnectionSink): ServerConnection =>
    serveHttp1(pair.accepted, sink, http1ServerOptions({ hooks, enableTrailers: true }))
  const options = http1ClientOptions({ enableTrailers: true })
  const connect = (): ClientConnection =>
    http1Client(pair.dialled, { onAvailability: nothing, onConnectionClose: nothing }, options)
  return joined(pair, serve, connect)
}

/** A pair over HTTP/2. */
export function http2BodyPair(pair: StreamPair, given: Partial<Http2Options> = {}): Promise<StreamPair> {
  const serve = (sink: ServerConnectionSink): ServerConnection => serveHttp2(pair.accepted, sink, http2Options(given))
  const sink = { onAvailability: nothing, onConnectionClose: nothing }
  return joined(pair, serve, () => http2Client(pair.dialled, sink, http2Options(given)))
}

/** The head of a POST that asks for a tunnel. */
export const tunnelPost = (fields: string[] = []): RequestHead => ({
  method: 'POST',
  scheme: 'http',
  authority: 'b.example:443',
  path: '/',
  protocol: 'HTTP/1.1',
  headers: new HeaderList(fields),
  tunnel: undefined,
})

/** Accepts `exchange` as a server that takes POST for a tunnel. */
export function acceptPost(exchange: ServerStream, options: BodyStreamOptions = {}): ByteStream {
  exchange.respond({ status: 200, reason: '', headers: new HeaderList() }, false)
  return bodyByteStream(exchange, options)
}

async function joined(
  pair: StreamPair,
  serve: (sink: ServerConnectionSink) => ServerConnection,
  connect: () => ClientConnection,
): Promise<StreamPair> {
  const server = Promise.withResolvers<ByteStream>()
  const client = Promise.withResolvers<ByteStream>()
  const served = serve({
    answersContinue: true,
    onRequest: (exchange, _head, endStream) => server.resolve(acceptPost(exchange, { readEnded: endStream })),
    onCodecError: nothing,
    onConnectionClose: nothing,
  })
  const connection = connect()
  const stream = connection.request(tunnelPost(), false, {
    onInformational: nothing,
    onResponse: (_head, endStream) => client.resolve(bodyByteStream(stream, { readEnded: endStream })),
    onData: nothing,
    onTrailers: nothing,
    onDrain: nothing,
    onReset: (cause) => client.reject(new Error(cause.detail)),
  })
  const [accepted, dialled] = await Promise.all([server.promise, client.promise])
  const dispose = async (): Promise<void> => {
    connection.close(STOP)
    served.close(STOP)
    await pair.dispose()
  }
  return { accepted, dialled, dispose }
}
