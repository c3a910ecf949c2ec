// What a frame header alone proves wrong: stream ids and sizes of RFC 9113 §6, the same for both sides.

import { H2_ERROR } from './error-code.ts'
import { FLAG, FRAME } from './frame.ts'

/** A connection error and the words for it. */
export interface FrameFault {
  readonly code: number
  readonly detail: string
}

/** The fault of a frame header, or undefined. Frames of unknown types have none (§4.1). */
export function frameFault(type: number, flags: number, streamId: number, length: number): FrameFault | undefined {
  switch (type) {
    case FRAME.data:
      return needsStream('DATA', streamId)
    case FRAME.headers:
      return needsStream('HEADERS', streamId)
    case FRAME.continuation:
      return needsStream('CONTINUATION', streamId)
    case FRAME.priority:
      // §6.3 makes the size a stream error; on a stream that is idle there is nothing to reset (§5.4.1 allows this).
      return needsStream('PRIORITY', streamId) ?? needsSize('PRIORITY', length === 5)
    case FRAME.rstStream:
      return needsStream('RST_STREAM', streamId) ?? needsSize('RST_STREAM', length === 4)
    case FRAME.settings:
      return (
        needsConnection('SETTINGS', streamId) ??
        needsSize('SETTINGS', (flags & FLAG.ack) !== 0 ? length === 0 : length % 6 === 0)
      )
    case FRAME.pushPromise:
      // §8.4: a client cannot push, and this side's client never allows it.
      return { code: H2_ERROR.protocolError, detail: 'PUSH_PROMISE is not allowed' }
    case FRAME.ping:
      return needsConnection('PING', streamId) ?? needsSize('PING', length === 8)
    case FRAME.goaway:
      return needsConnection('GOAWAY', streamId) ?? needsSize('GOAWAY', length >= 8)
    case FRAME.windowUpdate:
      return needsSize('WINDOW_UPDATE', length === 4)
    default:
      return undefined
  }
}

const needsStream = (name: string, streamId: number): FrameFault | undefined =>
  streamId === 0 ? { code: H2_ERROR.protocolError, detail: `${name} on stream 0` } : undefined

const needsConnection = (name: string, streamId: number): FrameFault | undefined =>
  streamId === 0 ? undefined : { code: H2_ERROR.protocolError, detail: `${name} on a stream` }

const needsSize = (name: string, right: boolean): FrameFault | undefined =>
  right ? undefined : { code: H2_ERROR.frameSizeError, detail: `${name} of a wrong size` }
