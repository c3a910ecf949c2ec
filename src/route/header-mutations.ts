// Adds and removes header fields as the configuration says. Envoy: HeaderValueOption and *_headers_to_remove. Within one
// level: remove, evaluate every value against what came in, overwrite, append. Deviation: the fields of an upgrade's
// handshake stay as they are, so that no rule for ordinary requests breaks a tunnel or forges the answer to one.

import { type HeaderList, isFieldValue } from '../codec/header-list.ts'
import { isHandshake, isHandshakeField } from '../codec/protected-fields.ts'
import type { HeaderAddition, HeaderMutations } from '../config/model/header-mutation.ts'
import type { Evaluate } from './path-rewrite.ts'

/** Bytes of one value that a format made; longer ones are not added. */
const MADE_VALUE_BYTES = 16 * 1024

/** Applies mutations to the fields of a message, level by level, later levels seeing the work of earlier ones. */
export function applyMutations(headers: HeaderList, levels: readonly HeaderMutations[], evaluate: Evaluate): void {
  for (const level of levels) applyLevel(headers, level, evaluate)
}

/**
 * The levels of a request or response with the chosen member of a weighted cluster, which is the most specific one: it
 * goes first, and last with most_specific_header_mutations_wins.
 */
export function withMember(
  levels: readonly HeaderMutations[],
  member: HeaderMutations,
  mostSpecificWin: boolean,
): readonly HeaderMutations[] {
  if (member.add.length === 0 && member.remove.length === 0) return levels
  return mostSpecificWin ? [...levels, member] : [member, ...levels]
}

function applyLevel(headers: HeaderList, { add, remove }: HeaderMutations, evaluate: Evaluate): void {
  const handshake = isHandshake(headers)
  for (const name of remove) if (mayChange(name, handshake)) headers.remove(name)
  if (add.length === 0) return
  const values = add.map((addition) =>
    mayChange(addition.name, handshake) ? madeValue(headers, addition, evaluate) : undefined,
  )
  for (const [i, addition] of add.entries()) {
    const value = values[i]
    if (value !== undefined && overwrites(addition)) headers.set(addition.name, value)
  }
  for (const [i, addition] of add.entries()) {
    const value = values[i]
    if (value !== undefined && !overwrites(addition)) headers.add(addition.name, value)
  }
}

const overwrites = ({ action }: HeaderAddition): boolean =>
  action === 'overwrite-or-add' || action === 'overwrite-if-exists'

/** The value to set; undefined when the addition does not apply. */
function madeValue(headers: HeaderList, addition: HeaderAddition, evaluate: Evaluate): string | undefined {
  const { name, action } = addition
  if (action === 'add-if-absent' && headers.has(name)) return undefined
  if (action === 'overwrite-if-exists' && !headers.has(name)) return undefined
  const value = evaluate(addition.value).trim()
  if (value === '' && !addition.keepEmpty) return undefined
  // A format can carry bytes of the request into places they were not checked for (RFC 9110 §5.5).
  return value.length <= MADE_VALUE_BYTES && isFieldValue(value) ? value : undefined
}

const mayChange = (name: string, handshake: boolean): boolean =>
  isOrdinary(name) && !(handshake && isHandshakeField(name))

/** Pseudo-headers and Host live in the head, not here; loading refuses them, and a second Host would be a smuggling tool. */
const isOrdinary = (name: string): boolean => name !== 'host' && !name.startsWith(':')
