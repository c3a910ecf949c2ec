// The fields that a configuration adds to the request for a tunnel (Envoy: tunneling_config.headers_to_add). What their
// format strings evaluate to may come from clients, so none of it reaches the wire unchecked.

import type { HeaderList } from '../codec/header-list.ts'
import type { HeaderAddition } from '../config/model/header-mutation.ts'
import { evaluate } from '../format/evaluate.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import { applyMutations } from '../route/header-mutations.ts'

/** Framing and connection management are the codec's (RFC 9112 §6, RFC 9113 §8.2.2): a length or coding here would lie. */
const NOT_TO_ADD: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Adds `additions` to `headers`, but none that is the codec's, and not `reserved`, which the caller sets itself. */
export function addTunnelFields(
  headers: HeaderList,
  additions: readonly HeaderAddition[],
  facts: StreamFacts,
  reserved = '',
): void {
  const add = additions.filter(({ name }) => !NOT_TO_ADD.has(name) && name !== reserved)
  applyMutations(headers, [{ add, remove: [] }], (template) => evaluate(template, facts))
}
