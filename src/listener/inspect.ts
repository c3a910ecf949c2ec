// Runs the listener filters of a connection in their order, within one time limit, before its filter chain is chosen.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { Listener } from '../config/model/listener.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import type { GreetingFacts, ListenerFilterOutcome, ListenerFilterRuntime } from './listener-filter.ts'

export type Inspected =
  | { readonly kind: 'known'; readonly facts: Readonly<GreetingFacts> }
  | { readonly kind: 'failed'; readonly cause: CloseCause; readonly timeout: boolean }
  | { readonly kind: 'gone'; readonly cause: CloseCause }

/** Calls `done` once; at once when no filter has to wait for bytes. */
export function inspect(
  stream: ReplayableStream,
  listener: Listener,
  filters: readonly ListenerFilterRuntime[],
  clock: Clock,
  done: (result: Inspected) => void,
): void {
  const facts: GreetingFacts = { serverName: '', alpn: [], transportProtocol: 'raw_buffer' }
  const limitMs = listener.listenerFiltersTimeoutMs
  const startMs = clock.now()
  const leftMs = (): number => (limitMs === undefined ? 0 : Math.max(1, Math.ceil(limitMs - (clock.now() - startMs))))
  const next = (index: number): void => {
    const filter = filters[index]
    if (filter === undefined) {
      done({ kind: 'known', facts })
      return
    }
    filter.run(stream, facts, { clock, timeoutMs: leftMs() }, (outcome) => settle(outcome, index))
  }
  const settle = (outcome: ListenerFilterOutcome, index: number): void => {
    if (outcome.kind === 'gone') done(outcome)
    else if (outcome.kind === 'passed') next(index + 1)
    else if (outcome.timeout && listener.continueOnListenerFiltersTimeout) done({ kind: 'known', facts })
    else done({ kind: 'failed', cause: outcome.cause, timeout: outcome.timeout })
  }
  next(0)
}
