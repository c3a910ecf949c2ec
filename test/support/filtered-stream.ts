// Runs a listener filter on an accepted stream in memory: the test is the client, and sees what the filter made of it.

import { closeCause } from '../../src/core/close-cause.ts'
import type { GreetingFacts, ListenerFilterOutcome, ListenerFilterRuntime } from '../../src/listener/listener-filter.ts'
import type { StreamInfo } from '../../src/transport/byte-stream.ts'
import { memoryPair, type MemoryPairOptions } from '../../src/transport/memory.ts'
import type { ReplayableStream } from '../../src/transport/replay.ts'
import { ManualClock } from './manual-clock.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export interface FilteredStream {
  readonly clock: ManualClock
  readonly accepted: ReplayableStream
  readonly facts: GreetingFacts
  /** Undefined while the filter waits. */
  outcome(): ListenerFilterOutcome | undefined
  info(): StreamInfo
  /** Sends and waits until it has arrived. */
  send(bytes: Buffer | string): Promise<void>
  end(): Promise<void>
  reset(): Promise<void>
  /** What is left for whoever reads next, as latin1; `end` behind it when the client has ended. */
  rest(): Promise<string>
}

export function filteredStream(
  filter: ListenerFilterRuntime,
  { timeoutMs = 0, pair = {} }: { readonly timeoutMs?: number; readonly pair?: MemoryPairOptions } = {},
): FilteredStream {
  const { accepted, dialled } = memoryPair(pair)
  const clock = new ManualClock()
  const facts: GreetingFacts = { serverName: '', alpn: [], transportProtocol: 'raw_buffer' }
  const outcomes: ListenerFilterOutcome[] = []
  dialled.setSink({ onData: ignore, onEnd: ignore, onDrain: ignore, onClose: ignore })
  filter.run(accepted, facts, { clock, timeoutMs }, (outcome) => {
    outcomes.push(outcome)
    if (outcomes.length > 1) throw new Error('the filter answered twice')
  })
  return {
    clock,
    accepted,
    facts,
    outcome: () => outcomes[0],
    info: () => accepted.info,
    async send(bytes) {
      const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
      dialled.write(buffer, 0, buffer.length)
      await turn()
    },
    async end() {
      dialled.endWriting()
      await turn()
      await turn()
    },
    async reset() {
      dialled.reset(closeCause('client', 'tcp', 'client_reset'))
      await turn()
      await turn()
    },
    async rest() {
      let text = ''
      accepted.setSink({
        onData: (buffer, start, end) => (text += buffer.toString('latin1', start, end)),
        onEnd: () => (text += 'end'),
        onDrain: ignore,
        onClose: ignore,
      })
      for (let i = 0; i < 6; i++) await turn()
      return text
    },
  }
}

const ignore = (): void => undefined
