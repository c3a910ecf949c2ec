// Gives a piece of the tree to its schema and says what is wrong with it, each fault at its place. Names are checked by
// walking schema and tree together, because some of the unknown ones are only worth a warning.

import { z } from 'zod'
import { nearestName } from '../model/nearest-name.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { MISSING, written } from './scalar.ts'

/** What there is to say about fields that a schema does not read. */
export interface FieldNotes {
  /** The vendor takes no notice of them: what is done about it, as the end of a sentence. */
  readonly ignored?: Readonly<Record<string, string>>
  /** The vendor has them and Sluice has not: what to do instead; '' = nothing to say. */
  readonly unsupported?: Readonly<Record<string, string>>
}

/** Notes by schema. */
export const fieldNotes = z.registry<FieldNotes>()

/** The value; undefined when something is wrong with it, which is then reported. */
export function readObject<S extends z.ZodType>(loading: Loading, schema: S, spot: Spot): z.output<S> | undefined {
  const known = checkNames(loading, schema, spot)
  const result = schema.safeParse(written(spot.node) ?? (spot.node?.kind === 'scalar' ? undefined : {}))
  if (result.success) return known ? result.data : undefined
  for (const issue of result.error.issues) report(loading, issue, spot)
  return undefined
}

/** Fields of a mapping whose schema does not name them. False when one of them is an error. */
function checkNames(loading: Loading, schema: z.ZodType, spot: Spot): boolean {
  const { node } = spot
  if (node === undefined) return true
  const inner = innermost(schema)
  if (inner instanceof z.ZodArray && node.kind === 'list') {
    const element = inner.element
    if (!(element instanceof z.ZodType)) return true
    return node.items.map((_, i) => checkNames(loading, element, spot.at(i))).every((good) => good)
  }
  if (node.kind !== 'map') return true
  const keys = [...node.entries.keys()]
  if (inner instanceof z.ZodRecord) {
    const value = inner.valueType
    if (!(value instanceof z.ZodType)) return true
    return keys.map((key) => checkNames(loading, value, spot.key(key))).every((good) => good)
  }
  if (!(inner instanceof z.ZodObject)) return true
  return keys.map((key) => checkName(loading, inner, key, spot.key(key))).every((good) => good)
}

function checkName(loading: Loading, schema: z.ZodObject, key: string, spot: Spot): boolean {
  const field = Object.hasOwn(schema.shape, key) ? schema.shape[key] : undefined
  if (field instanceof z.ZodType) return checkNames(loading, field, spot)
  // What is read in two steps has its other fields checked by the second.
  if (schema.def.catchall !== undefined) return true
  const notes = fieldNotes.get(schema)
  const ignored = own(notes?.ignored, key)
  if (ignored !== undefined) {
    loading.warning(spot, `${key} ${ignored}`)
    return true
  }
  const unsupported = own(notes?.unsupported, key)
  if (unsupported !== undefined) {
    loading.errorAtKey(spot, `${key} is known to Easegress but not supported by Sluice`, unsupported || undefined)
    return false
  }
  const nearest = nearestName(key, Object.keys(schema.shape))
  loading.errorAtKey(spot, `unknown field "${key}"`, nearest === undefined ? undefined : `did you mean "${nearest}"?`)
  return false
}

const own = (notes: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
  notes !== undefined && Object.hasOwn(notes, key) ? notes[key] : undefined

/** Without what makes it optional, and before what it is transformed into. */
function innermost(schema: z.ZodType): z.ZodType {
  let inner: unknown = schema
  for (;;) {
    if (inner instanceof z.ZodOptional) inner = inner.unwrap()
    else if (inner instanceof z.ZodPipe) inner = inner.in
    else break
  }
  return inner instanceof z.ZodType ? inner : schema
}

function report(loading: Loading, issue: z.core.$ZodIssue, root: Spot): void {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  const spot = follow(root, path)
  const last = path.at(-1)
  if (issue.message === MISSING || (spot.node === undefined && last !== undefined)) {
    loading.error(follow(root, path.slice(0, -1)), typeof last === 'string' ? `needs ${last}` : 'an item is empty')
    return
  }
  if (issue.code === 'invalid_type') {
    const wanted = issue.expected === 'array' ? 'a list' : 'a mapping'
    loading.error(spot, `expected ${wanted}, found ${found(spot)}`)
    return
  }
  const hint: unknown = issue.code === 'custom' ? issue.params?.['hint'] : undefined
  loading.error(spot, issue.message, typeof hint === 'string' ? hint : undefined)
}

const follow = (root: Spot, path: readonly (string | number)[]): Spot =>
  path.reduce<Spot>((spot, step) => (typeof step === 'number' ? spot.at(step) : spot.key(step)), root)

function found({ node }: Spot): string {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return 'nothing'
  return node.kind === 'map' ? 'a mapping' : node.kind === 'list' ? 'a list' : 'a single value'
}
