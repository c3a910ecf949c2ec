// An HTTP/2 stream that became a tunnel, by CONNECT or extended CONNECT between both sides of the codec, is a byte stream
// like any other; also when other streams share its connection, and when the connection is a socket.

import type { ServerStream, TunnelIntent } from '../../../../src/codec/http-stream.ts'
import { http2Client } from '../../../../src/codec/http2/client.ts'
import { type Http2Options, http2Options } from '../../../../src/codec/http2/options.ts'
import { serveHttp2 } from '../../../../src/codec/http2/server.ts'
import { closeCause } from '../../../../src/core/close-cause.ts'
import { type ByteStream, PAUSE } from '../../../../src/transport/byte-stream.ts'
import { memoryPair } from '../../../../src/transport/memory.ts'
import { byteStreamConformance, type StreamPair } from '../../../conformance/byte-stream.ts'
import { request, response } from '../../../support/http1-harness.ts'
import { tcpPair } from '../../transport/socket-pairs.ts'

const resetCodes = { client: 'client_reset', upstream: 'upstream_reset' } as const
const nothing = (): void => {}
const inMemory = (): StreamPair => ({ ...memoryPair(), dispose: nothing })

byteStreamConformance(
  'http2 CONNECT',
  // A window that fits into the queue of the memory pair, so that the window is what holds a writer back.
  () => tunnelPair(inMemory(), { kind: 'connect' }, { initialStreamWindowSize: 400_000 }),
  { resetCodes },
)
byteStreamConformance(
  'http2 WebSocket with small windows',
  () =>
    tunnelPair(
      inMemory(),
      { kind: 'upgrade', type: 'websocket' },
      { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 },
    ),
  { resetCodes },
)
byteStreamConformance('http2 CONNECT over TCP', async () => tunnelPair(await tcpPair(), { kind: 'connect' }), {
  resetCodes,
})

async function tunnelPair(
  pair: StreamPair,
  tunnel: TunnelIntent,
  given: Partial<Http2Options> = {},
): Promise<StreamPair> {
  const options = http2Options({ allowConnect: true, ...given })
  const server = Promise.withResolvers<ByteStream>()
  const client = Promise.withResolvers<ByteStream>()
  const served = serveHttp2(
    pair.accepted,
    {
      answersContinue: true,
      onRequest(exchange: ServerStream) {
        exchange.setSink({ onData: nothing, onTrailers: nothing, onDrain: nothing, onReset: nothing })
        exchange.respond(response(200), false)
        const bytes = exchange.intoByteStream()
        bytes.resumeReading(PAUSE.notReady)
        server.resolve(bytes)
      },
      onCodecError: nothing,
      onConnectionClose: nothing,
    },
    options,
  )
  const connection = http2Client(
    pair.dialled,
    { onAvailability: nothing, onConnectionClose: nothing },
    http2Options(given),
  )
  const stream = connection.request({ ...request('CONNECT', '/', [], tunnel), authority: 'b:443' }, false, {
    onInformational: nothing,
    onResponse: () => client.resolve(stream.intoByteStream()),
    onData: nothing,
    onTrailers: nothing,
    onDrain: nothing,
    onReset: nothing,
  })
  const [accepted, dialled] = await Promise.all([server.promise, client.promise])
  const cause = closeCause('operator', 'server', 'admin_close')
  const dispose = async (): Promise<void> => {
    connection.close(cause)
    served.close(cause)
    await pair.dispose()
  }
  return { accepted, dialled, dispose }
}
