// What the policies of Azure Application Gateway for Containers (alb.networking.azure.io/v1) have in common: the reference
// to their target, references to Secrets, durations as Go writes them.

import { z } from 'zod'
import { groupName, kindName, namespaceName, object, objectName, objectReference } from './field.ts'

/** API group of AGC's policies. */
export const ALB_GROUP = 'alb.networking.azure.io'

export const albTargetRef = object({
  group: groupName,
  kind: kindName,
  name: objectName,
  namespace: namespaceName.optional(),
  /** Listeners of a Gateway, port names of a Service; absent or empty = all. */
  sectionNames: z.array(z.string()).max(64).default([]),
})
export type AlbTargetRef = z.infer<typeof albTargetRef>

/** A policy with one target and what it says of it. */
export const albPolicy = <T extends z.ZodType>(config: T) =>
  object({
    spec: object({
      targetRef: albTargetRef,
      default: config.optional(),
      /** In the schema, but not supported by the vendor either: its condition says so. */
      override: z.looseObject({}).optional(),
    }),
  })

export const secretReference = objectReference('Secret')
export type SecretReference = z.infer<typeof secretReference>

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ns: 1e-6,
}

const WHOLE = /^[+-]?(?:0|(?:(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9})(?:h|ms|m|s|us|µs|μs|ns)){1,16})$/
const PART = /(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|μs|ns)/g

/** A duration of Go's time package (`1m30s`, `1.5s`); milliseconds out, negative ones too: the policy judges them. */
export const goDuration = z
  .string()
  .max(200)
  .refine((text) => WHOLE.test(text), 'is not a duration such as 500ms, 5s or 1m30s')
  .transform((text) => {
    let total = 0
    for (const [, number = '0', unit = 's'] of text.matchAll(PART)) total += Number(number) * (UNIT_MS[unit] ?? 0)
    return text.startsWith('-') ? -total : total
  })

/** Ranges are the policy's matter, as they are the controller's. */
export const int32 = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)
