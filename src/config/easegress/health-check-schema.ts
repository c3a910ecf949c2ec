// Health checks of pools: `interval` and the like for all, then one HTTP check (Proxy) or HTTP and WebSocket checks
// (WebSocketProxy).

import { z } from 'zod'
import { fieldNotes } from './read-object.ts'
import { duration, headerMap, integer, method, oneOf, regexp, text, wrong } from './scalar.ts'

/** Two ascending numbers. */
const statusRange = z.array(integer()).transform((range, context) => {
  const [first, last] = range
  if (first === undefined || last === undefined || range.length !== 2)
    return wrong(context, 'a range of status codes is two numbers', 'such as [200, 399]')
  return first > last ? wrong(context, `the range ${first} to ${last} is descending`) : { first, last }
})

const headerMatch = z
  .object({ name: text.optional(), value: text.optional(), type: oneOf('', 'exact', 'regexp').optional() })
  .transform((match, context) => {
    if (!match.name) return wrong(context, 'needs name, the header to look at')
    return { ...match, name: match.name.toLowerCase(), regex: compiled(match, context) }
  })

const bodyMatch = z
  .object({ value: text.optional(), type: oneOf('', 'contains', 'regexp').optional() })
  .transform((match, context) => ({ ...match, regex: compiled(match, context) }))

function compiled(
  { type, value }: { readonly type?: string | undefined; readonly value?: string | undefined },
  context: z.RefinementCtx,
): z.output<typeof regexp> | undefined {
  if (type !== 'regexp') return undefined
  const read = regexp.safeParse(value ?? '')
  return read.success ? read.data : wrong(context, read.error.issues[0]?.message ?? 'not a valid expression')
}

const match = z.object({
  statusCodes: z.array(statusRange).optional(),
  headers: z.array(headerMatch).optional(),
  body: bodyMatch.optional(),
})

const targetFields = {
  port: integer(0, 65535).optional(),
  uri: text.optional(),
  headers: headerMap.optional(),
  match: match.optional(),
}

const httpFields = {
  ...targetFields,
  method: method.optional(),
  body: text.optional(),
  username: text.optional(),
  password: text.optional(),
}

interface Credentials {
  readonly username?: string | undefined
  readonly password?: string | undefined
}

function bothOrNone({ username, password }: Credentials, context: z.RefinementCtx): void {
  if (username && !password) wrong(context, 'has username without password')
  if (password && !username) wrong(context, 'has password without username')
}

const httpCheck = z.object(httpFields).superRefine(bothOrNone)
const wsCheck = z.object(targetFields)

const timing = {
  interval: duration.optional(),
  timeout: duration.optional(),
  fails: integer(1).optional(),
  passes: integer(1).optional(),
  /** The tutorial's word for `passes`, which the vendor takes no notice of. */
  pass: integer(1).optional(),
}

export const wsHealthCheck = z
  .object({ ...timing, http: httpCheck.optional(), ws: wsCheck.optional() })
  .superRefine((check, context) => {
    if (check.http === undefined && check.ws === undefined)
      wrong(context, 'the health check is empty', 'write http, ws or both')
  })

fieldNotes.add(wsHealthCheck, { ignored: { path: 'has no effect here: write uri under http or ws' } })

export const proxyHealthCheck = z
  .object({ ...timing, ...httpFields, /** Older than `uri`. */ path: text.optional() })
  .superRefine(bothOrNone)

export type HttpCheck = z.output<typeof httpCheck>
export type WsCheck = z.output<typeof wsCheck>
export type WsHealthCheck = z.output<typeof wsHealthCheck>
export type ProxyHealthCheck = z.output<typeof proxyHealthCheck>
export type CheckMatch = z.output<typeof match>
