// The smallest proxy there can be on the HTTP/1 codec: one upstream connection for each downstream one, bodies, 1xx,
// upgrades and CONNECT passed on. It exists to put real peers on both sides of the codec.

import { http1Client } from '../../src/codec/http1/client.ts'
import { http1ClientOptions, http1ServerOptions } from '../../src/codec/http1/options.ts'
import { serveHttp1 } from '../../src/codec/http1/server.ts'
import type { ClientConnection, ClientStream, RequestHead, ServerStream } from '../../src/codec/http-stream.ts'
import { type CloseCause, closeCause } from '../../src/core/close-cause.ts'
import { type ByteStream, PAUSE } from '../../src/transport/byte-stream.ts'

/** Opens a connection to the origin. */
export type OpenUpstream = (ready: (stream: ByteStream) => void) => void

/** Relays every request of `downstream`. Trailers pass. Streams still open are in `open`. */
export function relay(downstream: ByteStream, openUpstream: OpenUpstream, open: Set<ByteStream>): void {
  let client: ClientConnection | undefined
  const forget = (stream: ByteStream) => () => void open.delete(stream)
  open.add(downstream)
  const sink = {
    answersContinue: false,
    onCodecError: () => {},
    onConnectionClose: (cause: CloseCause) => {
      open.delete(downstream)
      client?.close(cause)
    },
    onRequest: (exchange: ServerStream, head: RequestHead, endStream: boolean): void => {
      exchange.pauseReading(PAUSE.notReady)
      exchange.setSink({ onData: () => {}, onTrailers: () => {}, onDrain: () => {}, onReset: () => {} })
      const go = (): void => {
        if (client !== undefined) forward(exchange, head, endStream, client)
      }
      if (client !== undefined && client.availableStreams > 0) return go()
      openUpstream((stream) => {
        open.add(stream)
        client = http1Client(
          stream,
          { onAvailability: () => {}, onConnectionClose: forget(stream) },
          http1ClientOptions({ enableTrailers: true }),
        )
        go()
      })
    },
  }
  serveHttp1(downstream, sink, http1ServerOptions({ enableTrailers: true }))
}

function forward(exchange: ServerStream, head: RequestHead, endStream: boolean, client: ClientConnection): void {
  const upstream: ClientStream = client.request(head, endStream, {
    onInformational: (answer) => exchange.respondInformational(answer),
    onResponse: (answer, last) => {
      exchange.respond(answer, last)
      const connected = head.tunnel?.kind === 'connect' && answer.status < 300
      if (answer.status === 101 || connected) join(exchange.intoByteStream(), upstream.intoByteStream())
    },
    onData: (buffer, start, end, last) => {
      if (!exchange.sendData(buffer, start, end, last)) upstream.pauseReading(PAUSE.peerSlow)
    },
    onTrailers: (trailers) => exchange.sendTrailers(trailers),
    onDrain: () => exchange.resumeReading(PAUSE.peerSlow),
    onReset: (cause) => exchange.reset(cause),
  })
  exchange.setSink({
    onData: (buffer, start, end, last) => {
      if (!upstream.sendData(buffer, start, end, last)) exchange.pauseReading(PAUSE.peerSlow)
    },
    onTrailers: (trailers) => upstream.sendTrailers(trailers),
    onDrain: () => upstream.resumeReading(PAUSE.peerSlow),
    onReset: (cause) => upstream.reset(cause),
  })
  exchange.resumeReading(PAUSE.notReady)
}

function join(left: ByteStream, right: ByteStream): void {
  const towards = (from: ByteStream, to: ByteStream) => ({
    onData: (buffer: Buffer, start: number, end: number): void => {
      if (!to.write(buffer, start, end)) from.pauseReading(PAUSE.peerSlow)
    },
    onEnd: () => to.endWriting(),
    onDrain: () => to.resumeReading(PAUSE.peerSlow),
    onClose: () => to.close(closeCause('proxy', 'tunnel', 'end_of_stream')),
  })
  left.setSink(towards(left, right))
  right.setSink(towards(right, left))
}
