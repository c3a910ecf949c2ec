// The hash policies of a route made into one function: what of a request decides where it goes. Envoy:
// RouteAction.HashPolicy. Hashes are combined as Envoy does, so a request meets the endpoint it would meet there.

import { fnv1 } from '../core/hash/fnv-hash.ts'
import { xxHash64OfLatin1 } from '../core/hash/xx-hash.ts'
import { HeaderList } from '../codec/header-list.ts'
import type { HashPolicy, HashSource } from '../config/model/hash-policy.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'
import { cookieValue, setCookie } from './cookie.ts'
import { headerValues, type MatchedHead } from './header-test.ts'
import { queryParameter } from './query-test.ts'
import { realIp } from './real-ip.ts'

/** Of the client's side. */
export interface HashFacts {
  readonly downstream: StreamInfo
  /** After X-Forwarded-For. */
  readonly downstreamRemoteIp: string
}

/** Text to hash, of a request; undefined = it has none. `cookies` gets the Set-Cookie fields that its answer needs. */
type HashText = (head: MatchedHead, facts: HashFacts, cookies: string[]) => string | undefined
/** The hash of a request in 64 bits; undefined = no policy gave one. */
type RequestHash = (head: MatchedHead, facts: HashFacts, cookies: string[]) => bigint | undefined

const compiled = new WeakMap<readonly HashPolicy[], RequestHash>()

/** What `policies` make of a request. They are compiled when they are first asked. */
export function hashOf(
  policies: readonly HashPolicy[],
  head: MatchedHead,
  facts: HashFacts,
  cookies: string[],
): bigint | undefined {
  let hash = compiled.get(policies)
  if (hash === undefined) {
    hash = compileHashPolicies(policies)
    compiled.set(policies, hash)
  }
  return hash(head, facts, cookies)
}

/** The hash of a connection that is no HTTP; undefined = there is none. */
export function hashOfConnection(policies: readonly HashPolicy[] | undefined, facts: HashFacts): bigint | undefined {
  return policies === undefined ? undefined : hashOf(policies, NO_HEAD, facts, [])
}

const NO_HEAD: MatchedHead = { method: '', scheme: '', authority: '', path: '', headers: new HeaderList() }

const MASK = 0xffffffffffffffffn

/** The older hash is rotated by one bit before the next is added, so that two policies alike do not cancel each other. */
export function compileHashPolicies(policies: readonly HashPolicy[]): RequestHash {
  const parts = policies.map(({ source, terminal, hash }) => ({ text: compileSource(source, hash), terminal, hash }))
  return (head, facts, cookies) => {
    let hash: bigint | undefined
    for (const part of parts) {
      const text = part.text(head, facts, cookies)
      if (text !== undefined) {
        const rotated = hash === undefined ? 0n : ((hash << 1n) & MASK) | (hash >> 63n)
        hash = rotated ^ (part.hash === 'fnv1' ? BigInt(fnv1(text)) : xxHash64OfLatin1(text))
      }
      if (part.terminal && hash !== undefined) break
    }
    return hash
  }
}

function compileSource(source: HashSource, hash: HashPolicy['hash']): HashText {
  switch (source.kind) {
    case 'header':
      return headerText(source, hash)
    case 'cookie':
      return cookieText(source)
    case 'source-ip':
      return source.real
        ? (head, { downstreamRemoteIp }) => nonEmpty(realIp(head.headers) ?? downstreamRemoteIp)
        : (_head, { downstreamRemoteIp }) => nonEmpty(downstreamRemoteIp)
    case 'query':
      return (head) => queryParameter(head.path, source.name)
    case 'filter-state':
      return (_head, { downstream }) => downstream.state?.filterState.get(source.key)
  }
}

const nonEmpty = (text: string): string | undefined => (text === '' ? undefined : text)

type HeaderSource = Extract<HashSource, { kind: 'header' }>

/** Envoy hashes all values in order, so that their order on the wire is of no account; Easegress the first, '' if none. */
function headerText({ name, rewrite }: HeaderSource, hash: HashPolicy['hash']): HashText {
  if (hash === 'fnv1') return (head) => headerValues(head, name)[0] ?? ''
  return (head) => {
    const values = headerValues(head, name)
    if (values.length === 0) return undefined
    const texts = rewrite === undefined ? values : values.map((v) => rewrite.regex.replaceAll(v, rewrite.substitution))
    return texts.length === 1 ? texts[0] : [...texts].sort().join('')
  }
}

type CookieSource = Extract<HashSource, { kind: 'cookie' }>

/**
 * A client without the cookie gets one. As in Envoy its value is the hash of both addresses of the connection, so that
 * requests which are sent before the first answer came go to one endpoint as well.
 */
function cookieText({ name, ttlMs, attributes }: CookieSource): HashText {
  return (head, { downstream }, cookies) => {
    const value = cookieValue(head.headers, name)
    if (value !== undefined || ttlMs === undefined) return value
    const made = xxHash64OfLatin1(`${downstream.remote.text}${downstream.local.text}`).toString(16).padStart(16, '0')
    cookies.push(setCookie(name, made, ttlMs, attributes))
    return made
  }
}
