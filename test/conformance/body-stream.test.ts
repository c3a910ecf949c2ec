// A tunnel asked for by POST is a byte stream like any other, from both ends, over HTTP/1 and HTTP/2, in memory and on sockets.

import { memoryPair } from '../../src/transport/memory.ts'
import { http1BodyPair, http2BodyPair } from '../support/body-pair.ts'
import { tcpPair } from '../unit/transport/socket-pairs.ts'
import { byteStreamConformance, type StreamPair } from './byte-stream.ts'

const resetCodes = { client: 'client_reset', upstream: 'upstream_reset' } as const
const inMemory = (): StreamPair => ({ ...memoryPair(), dispose: () => {} })

byteStreamConformance('http1 POST', () => http1BodyPair(inMemory()))
byteStreamConformance('http1 POST over TCP', async () => http1BodyPair(await tcpPair()))
byteStreamConformance(
  'http2 POST',
  // A window that fits into the queue of the memory pair, so that the window is what holds a writer back.
  () => http2BodyPair(inMemory(), { initialStreamWindowSize: 400_000 }),
  { resetCodes },
)
byteStreamConformance(
  'http2 POST with small windows',
  () => http2BodyPair(inMemory(), { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 }),
  { resetCodes },
)
byteStreamConformance('http2 POST over TCP', async () => http2BodyPair(await tcpPair()), { resetCodes })
