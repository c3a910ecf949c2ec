// Where a piece of data comes from: a file, the text itself, or the environment. Envoy: config.core.v3.DataSource.

import { readNamedFile } from '../source/read-file.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type { DataSource } from './messages.ts'

/** Bytes of one file that a data source names; beyond it the source is refused. */
export const MAX_DATA_SOURCE_BYTES = 16 * 1024 * 1024

export interface LoadedData {
  readonly bytes: Buffer
  /** File name, `inline`, or the environment variable's name: never the data. */
  readonly origin: string
  /** Spot of the member that was set. */
  readonly spot: Spot
}

/** The data; undefined when the source is unset or could not be read, which is then reported. */
export function loadData(loading: Loading, source: DataSource | undefined, spot: Spot): LoadedData | undefined {
  switch (source?.specifier.case) {
    case 'filename':
      return fromFile(loading, source.specifier.value, spot.field('filename'))
    case 'inlineBytes':
      return { bytes: Buffer.from(source.specifier.value), origin: 'inline', spot: spot.field('inline_bytes') }
    case 'inlineString':
      return { bytes: Buffer.from(source.specifier.value), origin: 'inline', spot: spot.field('inline_string') }
    case 'environmentVariable':
      return fromEnvironment(loading, source.specifier.value, spot.field('environment_variable'))
    default:
      return undefined
  }
}

function fromFile(loading: Loading, path: string, spot: Spot): LoadedData | undefined {
  const file = readNamedFile(path, MAX_DATA_SOURCE_BYTES)
  if ('bytes' in file) return { bytes: file.bytes, origin: path, spot }
  loading.error(
    spot,
    `cannot read "${path}": ${file.reason}`,
    'relative names start at the directory Sluice was started in',
  )
  return undefined
}

function fromEnvironment(loading: Loading, name: string, spot: Spot): LoadedData | undefined {
  const value = loading.environment[name]
  if (value !== undefined) return { bytes: Buffer.from(value), origin: name, spot }
  loading.error(spot, `environment variable doesn't exist: ${name}`)
  return undefined
}
