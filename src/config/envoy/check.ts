// What the parsed messages must satisfy before they are lowered: Envoy's own validation rules, carried in the
// descriptors, and the table of what Sluice supports. Neither looks inside `Any` by itself, so both follow the walk.

import type { DescEnum, DescField, DescMessage, Message } from '@bufbuild/protobuf'
import type { ReflectMessage } from '@bufbuild/protobuf/reflect'
import type { Validator, Violation } from '@bufbuild/protovalidate'
import { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
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
export function checkRules(loading: Loading, parsed: ParsedMessage, validator: Validator): void {
  walk(loading, parsed.schema, parsed.message, parsed.spot, {
    message(message, spot, boundary) {
      if (boundary) validate(loading, validator, message, spot)
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
    this.loading.error(spot.has('@type') ? spot.key('@type') : spot, `${message.desc.typeName} is known to Envoy but not supported by Sluice yet`)
    return false
  }

  field(message: DescMessage, field: DescField, value: unknown, spot: Spot): boolean {
    const support = SUPPORTED.get(message.typeName)?.get(field.name)
    if (support === undefined) {
      this.loading.errorAtKey(spot, 'known to Envoy but not supported by Sluice yet')
      return false
    }
    if (support.kind === 'no-effect') return false
    this.enumValue(field, support, value, spot)
    return true
  }

  private enumValue(field: DescField, support: FieldSupport, value: unknown, spot: Spot): void {
    if (support.kind !== 'supported' || support.only === undefined || field.enum === undefined) return
    const name = nameOf(field.enum, value)
    if (name !== undefined && support.only.includes(name)) return
    this.loading.error(spot, `${name ?? String(value)} is known to Envoy but not supported by Sluice yet`, `supported: ${support.only.join(', ')}`)
  }
}

const nameOf = (descriptor: DescEnum, value: unknown): string | undefined =>
  descriptor.values.find((each) => each.number === value)?.name

function validate(loading: Loading, validator: Validator, message: ReflectMessage, spot: Spot): void {
  const result = validator.validate(message.desc, message.message)
  if (result.kind === 'valid') return
  if (result.kind === 'error') return loading.error(spot, `the rules of ${message.desc.typeName} cannot be evaluated: ${result.error.message}`)
  for (const violation of result.violations) loading.error(spotOf(violation, spot), sentence(violation))
}

/** Follows the path of a violation, which is made of the proto's own names. */
function spotOf(violation: Violation, root: Spot): Spot {
  let spot = root
  for (const step of violation.field) {
    if (step.kind === 'field') spot = spot.field(step.name)
    else if (step.kind === 'list_sub') spot = spot.at(step.index)
    else if (step.kind === 'map_sub') spot = spot.key(String(step.key))
    else if (step.kind === 'oneof') spot = new Spot(undefined, `${spot.path}.${step.name}`, spot.place)
  }
  return spot
}

function sentence(violation: Violation): string {
  const last = violation.field.at(-1)
  if (last?.kind === 'oneof') return `one of ${last.fields.map((field) => field.name).join(', ')} is required`
  return violation.message === 'value is required' ? 'is required' : violation.message.replace(/^value /, '')
}

