// sessionPersistence of a rule (GEP-1619), in both spellings that the API has had: `sessionName` with `cookieConfig`, and
// `cookie` / `header`.

import { z } from 'zod'
import { duration, headerName, object, unsupported } from './field.ts'

const lifetimeType = z.enum(['Permanent', 'Session']).default('Session')

export const sessionPersistence = object({
  sessionName: headerName.max(128).optional(),
  absoluteTimeout: duration.optional(),
  idleTimeout: unsupported('idleTimeout of sessions'),
  type: z.enum(['Cookie', 'Header']).default('Cookie'),
  cookieConfig: object({ lifetimeType }).optional(),
  cookie: object({ name: headerName.optional(), path: z.string().max(1024).optional(), lifetimeType }).optional(),
  header: object({ name: headerName }).optional(),
}).superRefine(({ type, cookie, cookieConfig, header, absoluteTimeout }, context) => {
  const say = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
  if (type === 'Header' && (cookie ?? cookieConfig) !== undefined) say('type', 'must be Cookie beside cookie settings')
  if (type === 'Cookie' && header !== undefined) say('type', 'must be Header beside header')
  const permanent = (cookie ?? cookieConfig)?.lifetimeType === 'Permanent'
  if (permanent && absoluteTimeout === undefined) say('absoluteTimeout', 'is needed with lifetimeType Permanent')
})
export type SessionPersistence = z.infer<typeof sessionPersistence>
