// The exchange as one HTTP filter sees it: records what the filter asks for.

import type { HeaderList } from '../../src/codec/header-list.ts'
import type { RequestHead, ResponseHead, ServerStream } from '../../src/codec/http-stream.ts'
import type { ForwardAction } from '../../src/config/model/route.ts'
import type { ExchangeHandle, LocalReply } from '../../src/filter/http-filter.ts'
import type { StreamFacts } from '../../src/format/stream-facts.ts'
import type { SelectedRoute } from '../../src/route/compiled-table.ts'
import type { ByteStream, PauseReason } from '../../src/transport/byte-stream.ts'
import { exchangeFacts } from './exchange-facts.ts'
import { ScriptedStream } from './scripted-stream.ts'

export class RecordedHandle implements ExchangeHandle {
  readonly facts: StreamFacts
  readonly logged = false
  readonly stream = new RecordedStream()
  readonly routeMiss = undefined
  readonly selected: SelectedRoute | undefined
  /** `continue`, or the code of a local reply. */
  readonly calls: string[] = []
  reply: LocalReply | undefined
  action: ForwardAction | undefined

  constructor(selected: SelectedRoute | undefined, request: RequestHead | undefined) {
    this.selected = selected
    this.facts = exchangeFacts({ request })
  }

  setRequestBufferLimit(bytes: number): void {
    this.calls.push(`limit ${bytes}`)
  }

  continueRequest(): void {
    this.calls.push('continue')
  }

  forwardBy(action: ForwardAction): boolean {
    this.calls.push('forward')
    this.action = action
    return true
  }

  replaceRequestBody(bytes: Buffer): void {
    this.calls.push(`body ${bytes.toString()}`)
  }

  sendLocalReply(reply: LocalReply): void {
    this.calls.push(reply.code)
    this.reply = reply
  }
}

class RecordedStream implements ServerStream {
  readonly protocol = 'HTTP/1.1'
  readonly connection: ByteStream = new ScriptedStream()
  readonly queuedBytes = 0
  readonly earlyBytes = 0
  readonly closed = undefined
  readonly pauses = new Set<PauseReason>()

  pauseReading(reason: PauseReason): void {
    this.pauses.add(reason)
  }

  resumeReading(reason: PauseReason): void {
    this.pauses.delete(reason)
  }

  respondInformational(_head: ResponseHead): void {
    throw new Error('a filter does not write')
  }

  respond(_head: ResponseHead, _endStream: boolean): void {
    throw new Error('a filter does not write')
  }

  sendData(_buffer: Uint8Array, _start: number, _end: number, _endStream: boolean): boolean {
    throw new Error('a filter does not write')
  }

  sendTrailers(_trailers: HeaderList): void {
    throw new Error('a filter does not write')
  }

  setSink(): void {
    throw new Error('a filter takes no sink')
  }

  intoByteStream(): ByteStream {
    throw new Error('a filter makes no tunnel')
  }

  endMessage(): void {}
  reset(): void {}
  setHighWater(): void {}
  closeAfterResponse(): void {}
  separateDirections(): void {}
  closeAfterSending(): void {}
}
