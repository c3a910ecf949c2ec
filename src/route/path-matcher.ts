// The path part of a route match. Envoy: the path_specifier of config.route.v3.RouteMatch.

import type { RequestHead } from '../codec/http-stream.ts'
import type { PathMatch } from '../config/model/route.ts'
import type { WholeRegex } from '../config/model/string-match.ts'
import { pathOf } from './target.ts'

/** The part of a request that path matchers see, cut once per request. */
export interface PathInput {
  /** Without query; '' when the request has no path, as a CONNECT. */
  readonly path: string
  /** CONNECT, or an upgrade that asks for a CONNECT tunnel. */
  readonly connect: boolean
}

/** Cuts a request for path matching. */
export function pathInput(head: Pick<RequestHead, 'path' | 'tunnel'>, ignoreParameters: boolean): PathInput {
  const path = pathOf(head.path)
  return { path: ignoreParameters ? withoutParameters(path) : path, connect: wantsConnect(head.tunnel) }
}

/** RFC 1808 §2.1 parameters: what follows the first `;`. */
function withoutParameters(path: string): string {
  const at = path.indexOf(';')
  return at < 0 ? path : path.slice(0, at)
}

/** What connect_matcher takes: CONNECT, and the upgrade type connect-udp (RFC 9298). A WebSocket is neither. */
export function wantsConnect(tunnel: RequestHead['tunnel']): boolean {
  if (tunnel === undefined) return false
  return tunnel.kind === 'connect' || (tunnel.type.length === 11 && tunnel.type.toLowerCase() === 'connect-udp')
}

/** One compiled path match; one class for all kinds, so that the loop over routes stays monomorphic. */
export class PathMatcher {
  readonly match: PathMatch
  readonly #kind: PathMatch['kind']
  readonly #value: string
  readonly #ignoreCase: boolean
  readonly #regex: WholeRegex | undefined

  constructor(match: PathMatch) {
    this.match = match
    this.#kind = match.kind
    const literal = literalMatch(match)
    this.#ignoreCase = literal?.caseSensitive === false
    const value = literal?.value ?? ''
    this.#value = this.#ignoreCase ? value.toLowerCase() : value
    this.#regex = match.kind === 'regex' ? match.regex : undefined
  }

  /** A request without path matches no path route: that is why CONNECT needs a connect_matcher. */
  test(input: PathInput): boolean {
    if (this.#kind === 'connect') return input.connect
    return input.path !== '' && this.#testPath(input.path)
  }

  #testPath(path: string): boolean {
    const value = this.#value
    switch (this.#kind) {
      case 'prefix':
        return this.#startsWith(path, value)
      case 'exact':
        return path.length === value.length && this.#startsWith(path, value)
      case 'separated-prefix':
        return this.#startsWith(path, value) && (path.length === value.length || path.charCodeAt(value.length) === 0x2f)
      case 'regex':
        return this.#regex?.test(path) ?? false
      case 'connect':
        return false
      case 'any':
        return true
    }
  }

  #startsWith(path: string, value: string): boolean {
    if (!this.#ignoreCase) return path.startsWith(value)
    return path.length >= value.length && path.slice(0, value.length).toLowerCase() === value
  }
}

type LiteralMatch = Exclude<PathMatch, { readonly kind: 'regex' | 'connect' | 'any' }>

/** The match when it is one of a text. */
export const literalMatch = (match: PathMatch): LiteralMatch | undefined =>
  match.kind === 'regex' || match.kind === 'connect' || match.kind === 'any' ? undefined : match

/** A path match as an operator would write it. */
export function describePathMatch(match: PathMatch): string {
  switch (match.kind) {
    case 'prefix':
      return `prefix "${match.value}"`
    case 'exact':
      return `path "${match.value}"`
    case 'separated-prefix':
      return `path_separated_prefix "${match.value}"`
    case 'regex':
      return `safe_regex "${match.regex.source}"`
    case 'connect':
      return 'connect_matcher'
    case 'any':
      return 'any path'
  }
}
