// A JSON Web Token that must be signed with the configured key and algorithm, and be in time (Easegress: jwt of Validator; RFC
// 7519, RFC 8725 §3.1: the token does not choose the algorithm). Read from a cookie, or from Authorization: Bearer.

import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import type { Clock } from '../../../core/clock.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { RequestCheck } from '../../../config/model/pipeline.ts'
import { cookieValue } from '../../../route/cookie.ts'
import type { Check, CheckFailure } from './validator.ts'

type JwtCheck = Extract<RequestCheck, { kind: 'jwt' }>

/** Characters of a token that are looked at. */
const TOKEN_LENGTH = 16 * 1024

export function checkJwt(check: JwtCheck, clock: Clock): Check {
  const key = keyOf(check)
  const { algorithm, cookieName } = check
  return (head) => {
    const token = tokenOf(head, cookieName)
    if (token === undefined) return refused('no token came with the request', 'Bearer')
    if (key === undefined) return refused('the configured key cannot be read', 'Bearer')
    if (token.length > TOKEN_LENGTH) return refused('the token is too long')
    return verify(token, key, algorithm, clock)
  }
}

async function verify(
  token: string,
  key: KeyObject,
  algorithm: string,
  clock: Clock,
): Promise<CheckFailure | undefined> {
  try {
    await jwtVerify(token, key, { algorithms: [algorithm], currentDate: new Date(clock.wallNow()) })
    return undefined
  } catch (error) {
    return refused(reasonOf(error))
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return `the token's claim ${error.claim} does not hold`
  if (error instanceof errors.JOSEAlgNotAllowed) return 'the token is not signed with the configured algorithm'
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the token's signature does not verify"
  return 'the token is not valid'
}

/** RFC 6750 §3. */
const refused = (explanation: string, challenge = 'Bearer error="invalid_token"'): CheckFailure => ({
  status: 401,
  explanation,
  challenge,
})

function tokenOf(head: RequestHead, cookieName: string): string | undefined {
  const cookie = cookieName === '' ? undefined : cookieValue(head.headers, cookieName)
  if (cookie !== undefined) return cookie
  const fields = head.headers.values('authorization')
  return fields.length === 1 ? /^bearer +(\S+)$/i.exec(fields[0] ?? '')?.[1] : undefined
}

/** HS algorithms take the bytes as a secret, the others a public key in PEM. */
function keyOf({ algorithm, key }: JwtCheck): KeyObject | undefined {
  try {
    return algorithm.startsWith('HS') ? createSecretKey(key) : createPublicKey(key)
  } catch {
    return undefined
  }
}
