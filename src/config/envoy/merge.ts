// Several texts into one tree, as Envoy merges `--config-yaml` over the file: scalars replace, messages merge, lists
// append, entries of maps and what an Any holds replace. Each piece keeps its own place.
// Deviation: a wrapper such as UInt32Value replaces too, where Protocol Buffers would keep the old value under a zero.

import type { DescField, DescMessage } from '@bufbuild/protobuf'
import type { SourceEntry, SourceNode } from '../source/tree.ts'
import { fieldsOf, hasOwnJsonForm, isAny } from './field-path.ts'

/** `over` merged over `base`, both being a `message`. */
export function mergeTrees(message: DescMessage, base: SourceNode, over: SourceNode): SourceNode {
  if (isNull(over)) return base
  if (base.kind !== 'map' || over.kind !== 'map' || hasOwnJsonForm(message) || isAny(message)) return over
  const entries = new Map(base.entries)
  for (const [key, entry] of over.entries) {
    const field = fieldsOf(message).get(key)
    const old = field === undefined ? key : writtenName(entries, field)
    const existing = entries.get(old)
    if (isNull(entry.value) && existing !== undefined) continue
    if (field?.oneof !== undefined) dropSiblings(entries, field)
    entries.set(old, existing === undefined || field === undefined ? entry : mergeField(field, existing, entry))
  }
  return { kind: 'map', place: base.place, entries }
}

function mergeField(field: DescField, base: SourceEntry, over: SourceEntry): SourceEntry {
  const [old, fresh] = [base.value, over.value]
  if (field.fieldKind === 'list' && old.kind === 'list' && fresh.kind === 'list') {
    return { keyPlace: base.keyPlace, value: { kind: 'list', place: old.place, items: [...old.items, ...fresh.items] } }
  }
  if (field.fieldKind === 'map' && old.kind === 'map' && fresh.kind === 'map') {
    return {
      keyPlace: base.keyPlace,
      value: { kind: 'map', place: old.place, entries: new Map([...old.entries, ...fresh.entries]) },
    }
  }
  if (field.fieldKind === 'message') return { keyPlace: over.keyPlace, value: mergeTrees(field.message, old, fresh) }
  return over
}

/** The other members of the oneof give way. */
function dropSiblings(entries: Map<string, SourceEntry>, field: DescField): void {
  for (const sibling of field.oneof?.fields ?? []) {
    if (sibling === field) continue
    entries.delete(sibling.name)
    entries.delete(sibling.jsonName)
  }
}

const writtenName = (entries: ReadonlyMap<string, SourceEntry>, field: DescField): string =>
  entries.has(field.jsonName) && !entries.has(field.name) ? field.jsonName : field.name

const isNull = (node: SourceNode): boolean => node.kind === 'scalar' && node.value === null
