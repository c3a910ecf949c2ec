// What the router adds to a final answer of an upstream, 101 and the 2xx of a CONNECT included: the cookies by which the
// client comes back to the same endpoint, and the number of the attempt.

import type { HeaderList } from '../../../codec/header-list.ts'
import type { Endpoint } from '../../../cluster/endpoint.ts'
import { answerHeaders, NO_CHOICE } from '../../../route/endpoint-choice.ts'
import type { Forwarding } from './forwarding.ts'

/** Adds the fields. */
export function markAnswer({ destination, sink, tools }: Forwarding, endpoint: Endpoint, headers: HeaderList): void {
  const { choice, rewrite } = destination
  if (choice !== NO_CHOICE)
    for (const [name, value] of answerHeaders(choice, endpoint, headers)) headers.add(name, value)
  if (rewrite.selected.virtualHost.attemptCountInResponse === true)
    headers.set(`${tools.headerPrefix}-attempt-count`, String(Math.max(1, sink.facts.attempts)))
}
