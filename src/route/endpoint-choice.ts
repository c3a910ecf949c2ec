// What a request says about the endpoint it wants: the hash of its hash policies and the endpoint its affinity remembers;
// and what its answer must carry so that the client comes back to the same one. Asked once per request: retries use the
// same choice. The fields go into a DialNeed as they are.

import type { HeaderList } from '../codec/header-list.ts'
import type { EndpointAffinity, HashPolicy } from '../config/model/hash-policy.ts'
import { affinityAnswer, affinityTokens } from './affinity.ts'
import { hashOf, type HashFacts } from './hash-policy.ts'
import type { MatchedHead } from './header-test.ts'

/** What decides, in the order of who wins: the cluster, the pool, the route. Make it once per request, or not at all. */
export interface ChoiceRules {
  readonly hashPolicies?: readonly HashPolicy[] | undefined
  readonly affinity?: EndpointAffinity | undefined
}

/** An endpoint, as far as an affinity knows it: `Endpoint` is one. */
export interface NamedEndpoint {
  /** `1.2.3.4:80`. */
  readonly text: string
}

/** What a request wants. */
export interface EndpointChoice {
  /** For `DialNeed.hash`. */
  readonly hash: bigint | undefined
  /** For `DialNeed.preferred`: the text of the endpoint's address. undefined = the client named none that is a member. */
  readonly preferred: string | undefined
  /** For `DialNeed.strict`: a client that names an endpoint gets that one or 503. */
  readonly strict: boolean
  /** For `answerHeaders`. */
  readonly cookies: readonly string[]
  readonly affinity: EndpointAffinity | undefined
}

/** The choice of requests whose route has no say in it. */
export const NO_CHOICE: EndpointChoice = {
  hash: undefined,
  preferred: undefined,
  strict: false,
  cookies: [],
  affinity: undefined,
}

/**
 * Reads the head as the client sent it, before it is rewritten; `StreamFacts` are the facts. `endpoints`: the members of the cluster that was chosen
 * (`upstream.endpoints`); a token that belongs to none of them prefers none.
 */
export function requestChoice(
  rules: ChoiceRules,
  head: MatchedHead,
  facts: HashFacts,
  endpoints: readonly NamedEndpoint[],
): EndpointChoice {
  const { hashPolicies, affinity } = rules
  if (affinity === undefined && (hashPolicies === undefined || hashPolicies.length === 0)) return NO_CHOICE
  const cookies: string[] = []
  const hash = hashPolicies === undefined ? undefined : hashOf(hashPolicies, head, facts, cookies)
  if (affinity === undefined) return { ...NO_CHOICE, hash, cookies }
  const { asked, preferred } = affinityTokens(affinity).read(head, endpoints)
  return { hash, preferred, strict: affinity.strict && asked, cookies, affinity }
}

/**
 * Fields to add to the answer of `endpoint`, in `[name, value]` pairs: on a 101 and on the 200 to a CONNECT as on any
 * other final answer of the upstream, never on one that is made here. `answer`: the upstream's own fields.
 */
export function answerHeaders(
  choice: EndpointChoice,
  endpoint: NamedEndpoint,
  answer: HeaderList,
): readonly (readonly [string, string])[] {
  const { affinity, cookies, preferred } = choice
  if (affinity === undefined && cookies.length === 0) return []
  const fields = cookies.map((cookie) => ['set-cookie', cookie] as const)
  const told = affinity === undefined ? undefined : affinityAnswer(affinity, endpoint, preferred, answer)
  return told === undefined ? fields : [...fields, told]
}
