// The pieces that schemas of all kinds are made of: names, ports, durations, references, with the rules of their CRDs.

import { z } from 'zod'
import { nearestName } from '../../model/nearest-name.ts'

/** An object without other fields than these. Each unknown one gets a line of the message, with the nearest known one. */
export const object = <S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? unknownFields(issue.keys, Object.keys(shape)) : undefined),
  })

function unknownFields(keys: readonly string[], known: readonly string[]): string {
  const said = keys.map((key) => {
    const near = nearestName(key, known)
    return `unknown field "${key}"${near === undefined ? '' : `; is it "${near}"?`}`
  })
  return said.join('\n')
}

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/

/** Lower-case labels with dots between them (RFC 1123). */
export const isDnsName = (text: string): boolean =>
  text.length <= 253 && text !== '' && text.split('.').every((label) => LABEL.test(label))

const isIpv4 = (text: string): boolean => /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)

/** Name of an object. */
export const objectName = z.string().min(1).max(253)
/** Name of a listener, of a rule, of a Service's port. */
export const sectionName = z.string().refine(isDnsName, 'is not a name of lower-case letters, digits, "-" and "."')
/** Name of a namespace. */
export const namespaceName = z.string().refine((text) => LABEL.test(text), 'is not a name of a namespace')
/** '' for core kinds. */
export const groupName = z.string().refine((text) => text === '' || isDnsName(text), 'is not the name of an API group')
export const kindName = z
  .string()
  .refine((text) => /^[a-zA-Z](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/.test(text), 'is not the name of a kind')
export const portNumber = z.int().min(1).max(65535)

/** A host name, its first label may be `*`. Never an IP address. */
export const hostname = z
  .string()
  .refine(
    (text) => isDnsName(text.startsWith('*.') ? text.slice(2) : text) && !isIpv4(text),
    'is not a host name: lower-case letters, digits, "-" and ".", the first label may be "*"; IP addresses are none',
  )

/** A host name without wildcard. */
export const preciseHostname = z
  .string()
  .refine((text) => isDnsName(text) && !isIpv4(text), 'is not a host name without wildcard')

const MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** GEP-2257: up to four numbers of at most five digits with h, m, s, ms; milliseconds out. */
export const duration = z
  .string()
  .refine(
    (text) => /^(?:[0-9]{1,5}(?:h|ms|m|s)){1,4}$/.test(text),
    'is not a duration such as 500ms, 30s or 1h5m (whole numbers of at most 5 digits)',
  )
  .transform((text) => {
    let total = 0
    for (const [, number = '0', unit = 's'] of text.matchAll(/([0-9]+)(h|ms|m|s)/g))
      total += Number(number) * (MS[unit] ?? 0)
    return total
  })

/** Names of header fields: RFC 9110 tokens. */
export const headerName = z
  .string()
  .max(256)
  .refine((text) => /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(text), 'is not the name of a header field')

/** Text of a header field's value: no control characters, no blanks around it (RFC 9110 §5.5). */
export const headerValue = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => /^[\t\x20-\x7e\x80-\uffff]*$/.test(text), 'has a control character')

/** Which objects by labels. Kubernetes: LabelSelector. */
export const labelSelector = object({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      object({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
})
export type LabelSelector = z.infer<typeof labelSelector>

/** A Secret, ConfigMap or other object in any namespace. */
export const objectReference = (kind: string) =>
  object({
    group: groupName.default(''),
    kind: kindName.default(kind),
    name: objectName,
    namespace: namespaceName.optional(),
  })

/** What a route sends requests to. */
export const backendReference = {
  group: groupName.default(''),
  kind: kindName.default('Service'),
  name: objectName,
  namespace: namespaceName.optional(),
  port: portNumber.optional(),
} as const
export const weight = z.int().min(0).max(1_000_000).default(1)
const plainBackendReference = object({ ...backendReference, weight })
export type BackendReference = z.infer<typeof plainBackendReference>
/** backendRefs of TLSRoute and TCPRoute. */
export { plainBackendReference }

export const parentReference = object({
  group: groupName.default('gateway.networking.k8s.io'),
  kind: kindName.default('Gateway'),
  namespace: namespaceName.optional(),
  name: objectName,
  sectionName: sectionName.optional(),
  port: portNumber.optional(),
})
export type ParentReference = z.infer<typeof parentReference>

/** parentRefs of every route: several to one parent differ in section or port. */
export const parentReferences = z
  .array(parentReference)
  .max(32)
  .default([])
  .superRefine((references, context) => {
    const seen = new Set<string>()
    for (const [index, reference] of references.entries()) {
      const key = JSON.stringify(reference)
      if (seen.has(key))
        context.addIssue({ code: 'custom', path: [index], message: 'names the same parent, section and port again' })
      seen.add(key)
    }
  })

/** Known to the Gateway API, not to Sluice: refused by name wherever it stands. */
export const unsupported = (what: string) =>
  z
    .custom<undefined>((value) => value === undefined, {
      error: `${what} is known to the Gateway API but not supported by Sluice`,
    })
    .optional()
