// What Envoy has no words for, as `sluice.v1.ModelPart` beside what it has words for.

import { writePart } from '../model/model-part.ts'
import { type Fields, isJson, typed } from './json.ts'

/** The message; undefined when there is nothing to say. */
export function modelPart(part: Readonly<Record<string, unknown>>): Fields | undefined {
  const written = writePart(part)
  if (written === undefined) return undefined
  const { content, checksum } = written
  return isJson(content) ? typed('sluice.v1.ModelPart', { content, checksum }) : undefined
}

/** Metadata with the part under `key` of `typed_filter_metadata`. */
export function partMetadata(key: string, part: Readonly<Record<string, unknown>>): Fields | undefined {
  const message = modelPart(part)
  return message === undefined ? undefined : { typed_filter_metadata: { [key]: message } }
}
