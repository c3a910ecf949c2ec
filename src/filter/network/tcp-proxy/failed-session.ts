// How a session ends that found no upstream: cause, Envoy's response flags and its local close reason (envoy.md §2.8).

import { closeCause, type CloseCause } from '../../../core/close-cause.ts'
import { errorEntry, type ErrorCode } from '../../../core/errors.ts'
import type { CircuitBreakers } from '../../../config/model/cluster.ts'
import { placeHint } from '../../../config/model/place.ts'
import type { TcpProxy } from '../../../config/model/tcp-proxy.ts'
import { addFlag } from '../../../format/blank-facts.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import type { AttemptFailure } from '../../../upstream/attempt.ts'

export interface SessionEnd {
  readonly cause: CloseCause
  /** Envoy's local close reason; '' when it has none. */
  readonly reason: string
}

/** Envoy's UpstreamFailureReason, which it prints as a number; the spelling is Envoy's too. */
const REASON = {
  connectFailed: 'tcp_initializion_failure:0',
  noHealthyUpstream: 'tcp_initializion_failure:1',
  overflow: 'tcp_initializion_failure:2',
  noRoute: 'tcp_initializion_failure:3',
} as const

/** Flags that Envoy sets for TCP; the others are of HTTP. */
const TCP_FLAGS: ReadonlySet<string> = new Set(['UH', 'UF', 'UO', 'NC', 'DF', 'DO', 'UDO', 'OM'])

/** What a failed attempt means: undefined = another one may be made. Sets the flags. */
export function endOfAttempts(
  failure: AttemptFailure,
  facts: StreamFacts,
  maxAttempts: number,
  tunnelled: boolean,
): (SessionEnd & { readonly exhausted: boolean }) | undefined {
  const { code, explanation } = failure
  const { flag, fault, retriable } = errorEntry(code)
  const by = fault === 'proxy' || fault === 'configuration' ? 'proxy' : 'upstream'
  const layer = tunnelled ? 'tunnel' : 'tcp'
  if (!retriable) {
    addFlag(facts, TCP_FLAGS.has(flag) ? flag : 'UF')
    return { cause: closeCause(by, layer, code, explanation), reason: reasonOf(code), exhausted: false }
  }
  addFlag(facts, 'UF')
  if (facts.attempts < maxAttempts) return undefined
  addFlag(facts, 'URX')
  const detail = facts.attempts > 1 ? `${facts.attempts} attempts failed, the last one: ${explanation}` : explanation
  return { cause: closeCause(by, layer, code, detail), reason: REASON.connectFailed, exhausted: true }
}

export function noCluster(config: TcpProxy, name: string, facts: StreamFacts): SessionEnd {
  addFlag(facts, 'NC')
  const detail = `the TCP proxy of ${placeHint(config.place)} sends to cluster "${name}", which does not exist`
  return { cause: closeCause('proxy', 'tcp', 'cluster_not_found', detail), reason: REASON.noRoute }
}

export function overflowing(
  cluster: string,
  { maxConnections, place }: Pick<CircuitBreakers, 'maxConnections' | 'place'>,
  facts: StreamFacts,
): SessionEnd {
  addFlag(facts, 'UO')
  const detail = `circuit breaker max_connections of cluster "${cluster}" is reached: ${maxConnections} (${placeHint(place)})`
  return { cause: closeCause('proxy', 'tcp', 'upstream_overflow', detail), reason: REASON.overflow }
}

/** The tunnel's target or a value of its head cannot be sent. */
export function refusedHead(explanation: string): SessionEnd {
  return { cause: closeCause('proxy', 'tunnel', 'invalid_authority', explanation), reason: REASON.connectFailed }
}

function reasonOf(code: ErrorCode): string {
  switch (code) {
    case 'no_healthy_upstream':
    case 'dns_resolution_failed':
      return REASON.noHealthyUpstream
    case 'upstream_overflow':
      return REASON.overflow
    case 'cluster_not_found':
      return REASON.noRoute
    default:
      return REASON.connectFailed
  }
}
