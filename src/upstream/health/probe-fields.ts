// Header fields of a probe: the check's own and what its configuration adds or removes. Framing and the handshake are not
// open to it.

import type { Clock } from '../../core/clock.ts'
import type { ConnectionId } from '../../core/ids.ts'
import { HeaderList } from '../../codec/header-list.ts'
import type { RequestHead, TunnelIntent } from '../../codec/http-stream.ts'
import type { HeaderMutations } from '../../config/model/header-mutation.ts'
import { blankFacts } from '../../format/blank-facts.ts'
import { evaluate } from '../../format/evaluate.ts'
import { applyMutations } from '../../route/header-mutations.ts'
import { NO_ADDRESS } from '../../transport/address.ts'

/** What the checks call themselves, as Envoy's do; servers know it. */
const USER_AGENT = 'Envoy/HC'

/** RFC 9112 §6, RFC 9113 §8.2.2, RFC 6455 §4.1: the codec's, or what the probe's answer is judged by. */
const NOT_TO_CHANGE: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'sec-websocket-accept',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export interface ProbeRequest {
  readonly method: string
  readonly secure: boolean
  readonly authority: string
  readonly path: string
  /** Name, value, name, value, …; user-agent is added. */
  readonly fields: readonly string[]
  readonly mutations: HeaderMutations
  readonly tunnel: TunnelIntent | undefined
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody's connection
const NOBODY = 0 as ConnectionId
const NO_INFO = { local: NO_ADDRESS, remote: NO_ADDRESS }
const NO_ENTRANCE = { listenerName: '', filterChainName: '' }

/** The head of a probe's request. */
export function probeHead(request: ProbeRequest, clock: Clock): RequestHead {
  const { method, authority, path, tunnel, mutations } = request
  const head: RequestHead = {
    method,
    scheme: request.secure ? 'https' : 'http',
    authority,
    path,
    protocol: 'HTTP/1.1',
    headers: new HeaderList(['user-agent', USER_AGENT, ...request.fields]),
    tunnel,
  }
  const add = mutations.add.filter(({ name }) => !NOT_TO_CHANGE.has(name))
  const remove = mutations.remove.filter((name) => !NOT_TO_CHANGE.has(name))
  if (add.length === 0 && remove.length === 0) return head
  const facts = blankFacts(clock, NOBODY, NO_INFO, NO_ENTRANCE, head)
  applyMutations(head.headers, [{ add, remove }], (template) => evaluate(template, facts))
  return head
}
