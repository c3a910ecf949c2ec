// Validator: header values, JSON Web Tokens and basic authentication.

import { z } from 'zod'
import { fieldNotes } from './read-object.ts'
import { oneOf, regexp, text, wrong } from './scalar.ts'

const headerRule = z
  .object({ values: z.array(text).optional(), regexp: regexp.optional() })
  .superRefine((rule, context) => {
    if ((rule.values ?? []).length === 0 && rule.regexp === undefined) wrong(context, 'needs values or regexp')
  })

const hex = text.transform((value, context) =>
  /^(?:[A-Fa-f0-9]{2})*$/.test(value) ? Buffer.from(value, 'hex') : wrong(context, 'is no hexadecimal text'),
)

const jwt = z
  .object({
    algorithm: oneOf('HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA'),
    publicKey: hex.optional(),
    secret: hex.optional(),
    cookieName: text.optional(),
  })
  .superRefine(({ algorithm, publicKey, secret }, context) => {
    const symmetric = algorithm.startsWith('HS')
    const key = symmetric ? secret : publicKey
    if (key === undefined || key.length === 0)
      wrong(context, `algorithm ${algorithm} needs ${symmetric ? 'secret' : 'publicKey'}`)
  })

const basicAuth = z.object({ mode: oneOf('', 'FILE').optional(), userFile: text.optional() })

fieldNotes.add(basicAuth, {
  unsupported: {
    etcdPrefix: 'mode: FILE with userFile reads an htpasswd file',
    ldap: 'mode: FILE with userFile reads an htpasswd file',
  },
})

export const validator = z.object({
  kind: text,
  name: text,
  headers: z.record(z.string(), headerRule).optional(),
  jwt: jwt.optional(),
  basicAuth: basicAuth.optional(),
})

fieldNotes.add(validator, {
  unsupported: { signature: 'jwt and basicAuth are', oauth2: 'jwt checks signed tokens without asking anybody' },
})

export type ValidatorSpec = z.output<typeof validator>
