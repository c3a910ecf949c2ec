// What the parsed messages must satisfy before they are lowered: Envoy's own validation rules, carried in the
// descriptors, and the table of what Sluice supports. Neither looks inside `Any` by itself, so both follow the walk.

import { isMessage, type DescEnum, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf'
import { isReflectMessage, type ReflectMessage } from '@bufbuild/protobuf/reflect'
import { DurationSchema } from '@bufbuild/protobuf/wkt'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { checkMessageRules } from './rules.ts'
import { SUPPORTED, type FieldSupport } from './supported.ts'
import { walk, type Visitor } from './walk.ts'

/** A message that was parsed, and from where. */
export interface ParsedMessage {
  readonly schema: DescMessage
  readonly message: Message
  readonly spot: Spot
}

/** Says which known fields are not supported yet. */
export function checkSupported(loading: Loading, parsed: ParsedMessage): void {
  walk(loading, parsed.schema, parsed.message, parsed.spot, new SupportCheck(loading))
}

/** Applies the rules that Envoy's API states for its fields. */
export function checkRules(loading: Loading, parsed: ParsedMessage): void {
  walk(loading, parsed.schema, parsed.message, parsed.spot, {
    message(message, spot) {
      checkMessageRules(loading, message, spot)
      return true
    },
    field: () => true,
  })
}

class SupportCheck implements Visitor {
  private readonly loading: Loading

  constructor(loading: Loading) {
    this.loading = loading
  }

  message(message: ReflectMessage, spot: Spot): boolean {
    if (SUPPORTED.has(message.desc.typeName)) return true
    // As in Envoy, metadata that nothing reads may be of any type.
    if (TYPED_METADATA.test(spot.path)) return false
    this.loading.error(
      spot.has('@type') ? spot.key('@type') : spot,
      `${message.desc.typeName} is known to Envoy but not supported by Sluice yet`,
    )
    return false
  }

  field(message: DescMessage, field: DescField, value: unknown, spot: Spot): boolean {
    const support = SUPPORTED.get(message.typeName)?.get(field.name)
    if (support === undefined || support.kind === 'refused') {
      this.loading.errorAtKey(spot, 'known to Envoy but not supported by Sluice yet', support?.hint)
      return false
    }
    if (support.kind === 'no-effect') return false
    this.enumValue(field, support, value, spot)
    this.duration(field, value, spot)
    return true
  }

  /** No time that Sluice reads may be negative; Envoy says so in code, not in its rules. */
  private duration(field: DescField, value: unknown, spot: Spot): void {
    if (field.message?.typeName !== 'google.protobuf.Duration' || !isReflectMessage(value)) return
    const { message } = value
    if (!isMessage(message, DurationSchema) || (message.seconds >= 0n && message.nanos >= 0)) return
    this.loading.error(spot, `Expected positive duration: ${durationText(spot)}`)
  }

  private enumValue(field: DescField, support: FieldSupport, value: unknown, spot: Spot): void {
    if (support.kind !== 'supported' || support.only === undefined || field.enum === undefined) return
    const name = nameOf(field.enum, value)
    if (name !== undefined && support.only.includes(name)) return
    this.loading.error(
      spot,
      `${name ?? String(value)} is known to Envoy but not supported by Sluice yet`,
      `supported: ${support.only.join(', ')}`,
    )
  }
}

/** The value of a key of `typed_filter_metadata`, not what is inside it. */
const TYPED_METADATA = /\btyped_filter_metadata(?:\.[\w-]+|\["[^"]*"\])$/

const durationText = (spot: Spot): string => (spot.node?.kind === 'scalar' ? spot.node.text : 'negative')

const nameOf = (descriptor: DescEnum, value: unknown): string | undefined =>
  descriptor.values.find((each) => each.number === value)?.name
