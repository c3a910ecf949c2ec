// Pieces of the model that `sluice convert --to envoy` wrote beside what Envoy has words for: `sluice.v1.ModelPart`.

import { readPart } from '../model/model-part.ts'
import { compileRegex, isRegex } from '../source/regex.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { typedMetadata } from './lower-metadata.ts'
import { ModelPartSchema, type Metadata, type ModelPart } from './messages.ts'

/** The piece under `key` of a message's metadata; `T` is what to-envoy writes there, which the checksum vouches for. */
export function metadataPart<T extends object>(
  loading: Loading,
  metadata: Metadata | undefined,
  spot: Spot,
  key: string,
): Partial<T> {
  const found = typedMetadata(loading, metadata, spot, { key, schema: ModelPartSchema })
  return found === undefined ? {} : lowerModelPart<T>(loading, found.message, found.spot)
}

/** The piece in a message. */
export function lowerModelPart<T extends object>(loading: Loading, message: ModelPart, spot: Spot): Partial<T> {
  const { content = {}, checksum } = message
  const part = readPart({ content, checksum }, spot.place, (source) => {
    const regex = compileRegex(source)
    return isRegex(regex) ? regex : undefined
  })
  if (part === undefined) {
    loading.error(
      spot,
      'this part was changed after sluice convert wrote it: its checksum does not fit',
      'change the configuration it was converted from and convert that again, or leave the part out',
    )
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the checksum says that it was written from such a model
  return (part ?? {}) as Partial<T>
}
