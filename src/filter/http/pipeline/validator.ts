// Lets a request through only if all checks hold: headers (400), a signed token or a password (401). Easegress: Validator.
// Checking a signature or a hash takes time: the request waits meanwhile, and is checked no further once the client left.

import type { Clock } from '../../../core/clock.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { PipelineFilter, RequestCheck } from '../../../config/model/pipeline.ts'
import type { Place } from '../../../config/model/place.ts'
import { checkBasicAuth } from './check-basic-auth.ts'
import { checkHeader } from './check-header.ts'
import { checkJwt } from './check-jwt.ts'
import type { PipelineExchange } from './pipeline-exchange.ts'
import { NEXT, result, type StepFilter } from './step.ts'

type Validator = Extract<PipelineFilter, { kind: 'validator' }>

/** Why a request is not let through; no secrets. */
export interface CheckFailure {
  readonly status: 400 | 401 | 503
  readonly explanation: string
  /** WWW-Authenticate (RFC 9110 §11.6.1); '' = none. */
  readonly challenge: string
}

/** undefined = the request passes. `left`: nobody waits for the outcome any more, so that no work need be spent on it. */
export type Check = (
  head: RequestHead,
  left?: () => boolean,
) => CheckFailure | undefined | Promise<CheckFailure | undefined>

export function validator(config: Validator, place: Place, clock: Clock): StepFilter {
  const checks = config.checks.map((check) => compileCheck(check, clock))
  return {
    side: 'request',
    onTunnel: false,
    run(exchange, namespace, resume) {
      const head = exchange.request(namespace)?.head
      if (head === undefined) return INVALID
      let cancelled = false
      const outcome = runFrom(0, checks, head, () => cancelled)
      if (!(outcome instanceof Promise)) return tell(exchange, namespace, place, outcome) ? NEXT : INVALID
      const done = async (): Promise<void> => {
        const failure = await settled(outcome)
        if (!cancelled) resume(tell(exchange, namespace, place, failure) ? '' : 'invalid')
      }
      void done()
      return { kind: 'waiting', cancel: () => (cancelled = true) }
    },
  }
}

const INVALID = result('invalid')

function compileCheck(check: RequestCheck, clock: Clock): Check {
  switch (check.kind) {
    case 'header':
      return checkHeader(check)
    case 'jwt':
      return checkJwt(check, clock)
    case 'basic-auth':
      return checkBasicAuth(check)
  }
}

/** The checks from `at` on, in order; a promise only if one of them needs time. */
function runFrom(at: number, checks: readonly Check[], head: RequestHead, left: () => boolean): ReturnType<Check> {
  for (let i = at; i < checks.length; i++) {
    const outcome = checks[i]?.(head, left)
    if (outcome instanceof Promise) return outcome.then((failure) => failure ?? runFrom(i + 1, checks, head, left))
    if (outcome !== undefined) return outcome
  }
  return undefined
}

/** A check that breaks lets nobody through. */
async function settled(outcome: Promise<CheckFailure | undefined>): Promise<CheckFailure | undefined> {
  try {
    return await outcome
  } catch {
    return { status: 401, explanation: 'the request could not be checked', challenge: '' }
  }
}

/** True when the request passed; otherwise the refusal is the answer. */
function tell(exchange: PipelineExchange, namespace: string, place: Place, failure: CheckFailure | undefined): boolean {
  if (failure === undefined) return true
  const { status, explanation, challenge } = failure
  exchange.answer(namespace, status, {
    code: status === 503 ? 'overload' : status === 401 ? 'unauthenticated' : 'request_invalid',
    explanation,
    place,
    ...(challenge === '' ? {} : { headers: [['www-authenticate', challenge]] }),
  })
  return false
}
