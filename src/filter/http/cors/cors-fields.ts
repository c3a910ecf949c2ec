// The fields of the CORS protocol that a policy gives to an answer (WHATWG Fetch §3.2.3). The origin is echoed and never `*`,
// so that one rule holds with credentials and without.

import type { HeaderList } from '../../../codec/header-list.ts'
import type { CorsPolicy } from '../../../config/model/cors.ts'

export type Fields = readonly (readonly [string, string])[]

const ANY = '*'

/** For the answer to a preflight from an origin that is allowed. */
export function preflightFields(policy: CorsPolicy, origin: string, asked: HeaderList): Fields {
  const method = asked.get('access-control-request-method') ?? ''
  const headers = asked.getAll('access-control-request-headers') ?? ''
  const fields: (readonly [string, string])[] = [...originFields(policy, origin)]
  const methods = listed(policy.allowMethods, method)
  if (methods !== '') fields.push(['access-control-allow-methods', methods])
  const names = listed(policy.allowHeaders, headers)
  if (names !== '') fields.push(['access-control-allow-headers', names])
  // Gateway API's conformance looks for all six fields on the preflight's answer.
  if (policy.exposeHeaders.length > 0 && !policy.exposeHeaders.includes(ANY))
    fields.push(['access-control-expose-headers', policy.exposeHeaders.join(', ')])
  if (policy.maxAge !== undefined) fields.push(['access-control-max-age', String(policy.maxAge)])
  if (policy.allowPrivateNetwork === true && asked.get('access-control-request-private-network') === 'true')
    fields.push(['access-control-allow-private-network', 'true'])
  fields.push(['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'])
  return fields
}

/** For any other answer; `answer` has its fields, where they are known. */
export function actualFields(policy: CorsPolicy, origin: string, answer: HeaderList | undefined): Fields {
  const fields: (readonly [string, string])[] = [...originFields(policy, origin)]
  const exposed = exposedNames(policy, answer)
  if (exposed !== '') fields.push(['access-control-expose-headers', exposed])
  fields.push(['vary', 'Origin'])
  return fields
}

function originFields({ allowCredentials }: CorsPolicy, origin: string): Fields {
  const allow = ['access-control-allow-origin', origin] as const
  return allowCredentials ? [allow, ['access-control-allow-credentials', 'true']] : [allow]
}

/** What is asked for, where everything is allowed: with credentials, browsers take a `*` for a name. */
const listed = (allowed: readonly string[], asked: string): string =>
  allowed.includes(ANY) ? asked : allowed.join(', ')

function exposedNames({ exposeHeaders, allowCredentials }: CorsPolicy, answer: HeaderList | undefined): string {
  if (!exposeHeaders.includes(ANY)) return exposeHeaders.join(', ')
  if (!allowCredentials) return ANY
  if (answer === undefined) return ''
  return [...new Set([...answer].map(([name]) => name))].join(', ')
}
