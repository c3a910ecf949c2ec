// An HTTP/1 tunnel, made by a real CONNECT between both sides of the codec, is a byte stream like any other.

import { http1Client } from '../../../../src/codec/http1/client.ts'
import { http1ClientOptions, http1ServerOptions } from '../../../../src/codec/http1/options.ts'
import { serveHttp1 } from '../../../../src/codec/http1/server.ts'
import type { ServerStream } from '../../../../src/codec/http-stream.ts'
import type { ByteStream } from '../../../../src/transport/byte-stream.ts'
import { memoryPair } from '../../../../src/transport/memory.ts'
import { byteStreamConformance, type StreamPair } from '../../../conformance/byte-stream.ts'
import { request, response } from '../../../support/http1-harness.ts'

byteStreamConformance('http1 tunnel', tunnelPair)

function tunnelPair(): Promise<StreamPair> {
  const { accepted, dialled } = memoryPair()
  const nothing = (): void => {}
  const server = new Promise<ByteStream>((resolve) => {
    const onRequest = (exchange: ServerStream): void => {
      exchange.setSink({ onData: nothing, onTrailers: nothing, onDrain: nothing, onReset: nothing })
      exchange.respond(response(200), false)
      resolve(exchange.intoByteStream())
    }
    const sink = { answersContinue: true, onRequest, onCodecError: nothing, onConnectionClose: nothing }
    serveHttp1(accepted, sink, http1ServerOptions())
  })
  const client = new Promise<ByteStream>((resolve) => {
    const connection = http1Client(
      dialled,
      { onAvailability: nothing, onConnectionClose: nothing },
      http1ClientOptions(),
    )
    const head = { ...request('CONNECT', '', [], { kind: 'connect' }), authority: 'b:443' }
    const stream = connection.request(head, false, {
      onInformational: nothing,
      onResponse: () => resolve(stream.intoByteStream()),
      onData: nothing,
      onTrailers: nothing,
      onDrain: nothing,
      onReset: nothing,
    })
  })
  return Promise.all([server, client]).then(([near, far]) => ({ accepted: near, dialled: far, dispose: nothing }))
}
