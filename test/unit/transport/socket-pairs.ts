// Joined pairs of real socket streams, for the tests beside this file.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../src/core/clock.ts'
import { type DialSink, dialPipe, dialTcp } from '../../../src/transport/dial.ts'
import { type AcceptSink, type StreamListener, listenPipe, listenTcp } from '../../../src/transport/listen.ts'
import type { ReplayableStream } from '../../../src/transport/replay.ts'

const limits = { clock: systemClock, connectTimeoutMs: 5000 }

/** Two ends of one connection; as `StreamPair`, but with the streams' full type. */
export interface SocketPair {
  readonly accepted: ReplayableStream
  readonly dialled: ReplayableStream
  dispose(): Promise<void>
}

/** A TCP connection over loopback. */
export function tcpPair(host = '127.0.0.1'): Promise<SocketPair> {
  return joinThem(
    (sink) => listenTcp({ host, port: 0 }, sink),
    (listener, sink) => dialTcp({ ...limits, host, port: listener.address.port }, sink),
  )
}

/** A Unix socket connection. */
export async function pipePair(abstract = false): Promise<SocketPair> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
  const path = abstract ? `@${folder}` : join(folder, 'test.sock')
  const pair = await joinThem(
    (sink) => listenPipe({ path }, sink),
    (_, sink) => dialPipe({ ...limits, path }, sink),
  )
  return { ...pair, dispose: () => pair.dispose().then(() => rmSync(folder, { recursive: true })) }
}

async function joinThem(
  listen: (sink: AcceptSink) => Promise<StreamListener>,
  dial: (listener: StreamListener, sink: DialSink) => unknown,
): Promise<SocketPair> {
  const accepting = Promise.withResolvers<ReplayableStream>()
  const dialling = Promise.withResolvers<ReplayableStream>()
  const listener = await listen({ onAccept: accepting.resolve, onAcceptError: accepting.reject })
  dial(listener, { onConnect: dialling.resolve, onConnectError: (cause) => dialling.reject(new Error(cause.detail)) })
  const [accepted, dialled] = await Promise.all([accepting.promise, dialling.promise])
  return { accepted, dialled, dispose: () => new Promise((resolve) => listener.close(resolve)) }
}
