// Chooses the filter chain of a connection. Criteria apply in Envoy's order, each narrowing to the most specific value
// that matches, without going back (envoy.md §1.4): a miss further down is no match.

import type { AddressRange } from '../config/model/address.ts'
import { ANY_CONNECTION, type FilterChain, type FilterChainMatch, type Listener } from '../config/model/listener.ts'
import { inAddressRange } from '../transport/ip-range.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'

/** What is known of a connection before its chain is chosen. */
export interface ConnectionFacts {
  readonly info: StreamInfo
  /** SNI, lower case; '' when unknown. */
  readonly serverName: string
  /** ALPN protocols the client offers. */
  readonly alpn: readonly string[]
  readonly transportProtocol: 'raw_buffer' | 'tls'
}

interface Candidate {
  readonly chain: FilterChain
  readonly match: FilterChainMatch
}

/** One criterion: how specifically a candidate matches. 0 = it sets nothing; undefined = it does not match. */
type Criterion = (match: FilterChainMatch, facts: ConnectionFacts) => number | undefined

const CRITERIA: readonly Criterion[] = [
  (match, { info }) => exact(match.destinationPort, info.local.port),
  (match, { info }) => longestPrefix(match.destinationRanges, info.local.ip),
  (match, { serverName }) => serverNameScore(match.serverNames, serverName),
  (match, facts) =>
    match.transportProtocol === '' ? 0 : match.transportProtocol === facts.transportProtocol ? 1 : undefined,
  (match, { alpn }) => oneOf(match.applicationProtocols, alpn),
  (match, { info }) => longestPrefix(match.directSourceRanges, (info.state?.directRemote ?? info.remote).ip),
  (match, { info }) => sourceType(match.sourceType, info),
  (match, { info }) => longestPrefix(match.sourceRanges, info.remote.ip),
  (match, { info }) =>
    match.sourcePorts.length === 0 ? 0 : match.sourcePorts.includes(info.remote.port) ? 1 : undefined,
]

/** Chooses among a listener's chains. */
export class FilterChainMatcher {
  readonly #candidates: readonly Candidate[]
  readonly #fallback: FilterChain | undefined
  /** The only chain, when no fact can change the choice. */
  readonly only: FilterChain | undefined

  constructor(listener: Listener) {
    this.#candidates = listener.chains.map((chain) => ({ chain, match: chain.match ?? ANY_CONNECTION }))
    this.#fallback = listener.defaultChain
    const [first] = this.#candidates
    this.only =
      first !== undefined && this.#candidates.length === 1 && matchesAll(first.match) ? first.chain : undefined
  }

  choose(facts: ConnectionFacts): FilterChain | undefined {
    let left = this.#candidates
    for (const criterion of CRITERIA) {
      left = mostSpecific(left, criterion, facts)
      if (left.length === 0) return this.#fallback
    }
    return left[0]?.chain ?? this.#fallback
  }
}

const matchesAll = (match: FilterChainMatch): boolean =>
  match.destinationPort === undefined &&
  match.transportProtocol === '' &&
  match.sourceType === 'any' &&
  match.destinationRanges.length === 0 &&
  match.serverNames.length === 0 &&
  match.applicationProtocols.length === 0 &&
  match.directSourceRanges.length === 0 &&
  match.sourceRanges.length === 0 &&
  match.sourcePorts.length === 0

function mostSpecific(
  candidates: readonly Candidate[],
  criterion: Criterion,
  facts: ConnectionFacts,
): readonly Candidate[] {
  let best = -1
  let kept: Candidate[] = []
  for (const candidate of candidates) {
    const score = criterion(candidate.match, facts)
    if (score === undefined || score < best) continue
    if (score > best) kept = []
    best = score
    kept.push(candidate)
  }
  return kept
}

const exact = (wanted: number | undefined, actual: number): number | undefined =>
  wanted === undefined ? 0 : wanted === actual ? 1 : undefined

const oneOf = (wanted: readonly string[], offered: readonly string[]): number | undefined =>
  wanted.length === 0 ? 0 : wanted.some((protocol) => offered.includes(protocol)) ? 1 : undefined

/** An exact name beats a wildcard, a longer wildcard a shorter one. */
function serverNameScore(names: readonly string[], serverName: string): number | undefined {
  if (names.length === 0) return 0
  let best: number | undefined
  for (const name of names) {
    const score = nameScore(name, serverName)
    if (score !== undefined && (best === undefined || score > best)) best = score
  }
  return best
}

const EXACT_NAME = 1000

function nameScore(name: string, serverName: string): number | undefined {
  if (name === serverName) return EXACT_NAME
  if (!name.startsWith('*.')) return undefined
  const suffix = name.slice(1)
  return serverName.endsWith(suffix) && serverName.length > suffix.length ? suffix.length : undefined
}

function longestPrefix(ranges: readonly AddressRange[], ip: string): number | undefined {
  if (ranges.length === 0) return 0
  let best: number | undefined
  for (const range of ranges) {
    if (inAddressRange(range, ip) && (best === undefined || range.prefixLength >= best)) best = range.prefixLength + 1
  }
  return best
}

function sourceType(wanted: FilterChainMatch['sourceType'], { local, remote }: StreamInfo): number | undefined {
  if (wanted === 'any') return 0
  const near = remote.ip === local.ip || remote.ip.startsWith('127.') || remote.ip === '::1' || remote.port === 0
  return near === (wanted === 'same-ip-or-loopback') ? 1 : undefined
}
