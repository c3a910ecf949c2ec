// The contract of listener filters: they look at a connection's first bytes, or at its socket, before the filter chain is
// chosen. Each leaves the stream without a sink, with all bytes that are not its own still to be read.

import type { CloseCause } from '../core/close-cause.ts'
import type { Clock } from '../core/clock.ts'
import type { ReplayableStream } from '../transport/replay.ts'

/** What is known of a connection for choosing its chain. Filters fill it in; addresses go to `stream.amend`. */
export interface GreetingFacts {
  /** SNI, lower case; '' when none was seen. */
  serverName: string
  alpn: readonly string[]
  transportProtocol: 'raw_buffer' | 'tls'
}

export type ListenerFilterOutcome =
  | { readonly kind: 'passed' }
  /** Close without an answer. `timeout`: continue_on_listener_filters_timeout may let it pass. */
  | { readonly kind: 'refused'; readonly cause: CloseCause; readonly timeout: boolean }
  /** The client is gone. */
  | { readonly kind: 'gone'; readonly cause: CloseCause }

export interface ListenerFilterRuntime {
  /** Calls `done` once, at once or later. `timeoutMs`: what is left for all filters; 0 = for ever. */
  run(
    stream: ReplayableStream,
    facts: GreetingFacts,
    limits: { readonly clock: Clock; readonly timeoutMs: number },
    done: (outcome: ListenerFilterOutcome) => void,
  ): void
}
