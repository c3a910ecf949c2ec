// Endpoint affinity: the client keeps a token of the endpoint that served it and shows it with its next request. The token
// is an HMAC of the endpoint's address: it tells nothing and cannot be made up, so whoever shows one got it from here.

import { createHmac } from 'node:crypto'
import { derivedKey } from '../core/process-secret.ts'
import type { HeaderList } from '../codec/header-list.ts'
import type { EndpointAffinity } from '../config/model/hash-policy.ts'
import { cookieValue, nameOfSetCookie, setCookie } from './cookie.ts'
import type { MatchedHead } from './header-test.ts'

/** What a client asked for. */
export interface AskedEndpoint {
  /** It showed a token, good or bad. */
  readonly asked: boolean
  /** Text of the endpoint's address; undefined = the token is of no member. */
  readonly preferred: string | undefined
}

const NOT_ASKED: AskedEndpoint = { asked: false, preferred: undefined }
const UNKNOWN: AskedEndpoint = { asked: true, preferred: undefined }
/** Tokens that are kept; beyond, members are computed again. */
const MOST_TOKENS = 65_536

/** Tokens of one affinity, made once per endpoint. */
class AffinityTokens {
  readonly #affinity: EndpointAffinity
  readonly #key: Buffer
  readonly #texts = new Map<string, string>()
  readonly #tokens = new Map<string, string>()
  /** Members whose tokens are known. */
  #known: readonly { readonly text: string }[] | undefined

  constructor(affinity: EndpointAffinity) {
    this.#affinity = affinity
    this.#key = affinity.key ?? derivedKey('endpoint affinity')
  }

  read({ headers }: MatchedHead, endpoints: readonly { readonly text: string }[]): AskedEndpoint {
    const { carrier } = this.#affinity
    const token = carrier.kind === 'cookie' ? cookieValue(headers, carrier.name) : headers.get(carrier.name)
    if (token === undefined || token === '') return NOT_ASKED
    const text = this.#texts.get(token) ?? this.#search(token, endpoints)
    return text === undefined ? UNKNOWN : { asked: true, preferred: text }
  }

  of(text: string): string {
    const known = this.#tokens.get(text)
    if (known !== undefined) return known
    if (this.#tokens.size >= MOST_TOKENS) this.#forget()
    const token = createHmac('sha256', this.#key).update(text).digest('base64url')
    this.#tokens.set(text, token)
    this.#texts.set(token, text)
    return token
  }

  /** Members that came since: after every change a cluster's list of them is another one. */
  #search(token: string, endpoints: readonly { readonly text: string }[]): string | undefined {
    if (this.#known === endpoints) return undefined
    for (const { text } of endpoints) this.of(text)
    this.#known = endpoints
    return this.#texts.get(token)
  }

  #forget(): void {
    this.#tokens.clear()
    this.#texts.clear()
    this.#known = undefined
  }
}

const tokens = new WeakMap<EndpointAffinity, AffinityTokens>()

/** The tokens of `affinity`. */
export function affinityTokens(affinity: EndpointAffinity): Pick<AffinityTokens, 'read' | 'of'> {
  const known = tokens.get(affinity)
  if (known !== undefined) return known
  const made = new AffinityTokens(affinity)
  tokens.set(affinity, made)
  return made
}

/**
 * The field that tells the client its endpoint, unless it named the same one. With `onlyWithCookie` it goes along with
 * every cookie of that name that the application sets, and lives as long as that.
 */
export function affinityAnswer(
  affinity: EndpointAffinity,
  endpoint: { readonly text: string },
  preferred: string | undefined,
  answer: HeaderList,
): readonly [string, string] | undefined {
  const { carrier, onlyWithCookie } = affinity
  const leader = onlyWithCookie === undefined ? undefined : setCookieOf(answer, onlyWithCookie)
  if (onlyWithCookie === undefined ? preferred === endpoint.text : leader === undefined) return undefined
  const token = affinityTokens(affinity).of(endpoint.text)
  if (carrier.kind === 'header') return [carrier.name, token]
  const life = leader === undefined ? undefined : lifeOf(leader)
  const cookie = setCookie(carrier.name, token, life === undefined ? carrier.ttlMs : 0, carrier.attributes)
  return ['set-cookie', life === undefined || life === '' ? cookie : `${cookie}; ${life}`]
}

const setCookieOf = (answer: HeaderList, name: string): string | undefined =>
  answer.values('set-cookie').find((field) => nameOfSetCookie(field) === name)

/** `Max-Age` and `Expires` of a Set-Cookie field as they stand there; '' = it lives as long as the browser. */
const lifeOf = (field: string): string =>
  field
    .split(';')
    .slice(1)
    .map((part) => part.trim())
    .filter((part) => /^(max-age|expires)\s*=/i.test(part))
    .join('; ')
