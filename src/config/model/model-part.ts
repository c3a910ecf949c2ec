// Pieces of the model as JSON with a checksum, for what another configuration language has no words for: a piece that was
// changed by hand is refused rather than misunderstood. Written by config/to-envoy, read by config/envoy.

import { createHash } from 'node:crypto'
import type { Place } from './place.ts'
import type { WholeRegex } from './string-match.ts'

/** Keys of `typed_filter_metadata` under which pieces stand. */
export const PART_KEYS = {
  route: 'sluice.route',
  table: 'sluice.route_table',
  listener: 'sluice.listener',
  cluster: 'sluice.cluster',
} as const

export interface WrittenPart {
  /** JSON data. */
  readonly content: unknown
  readonly checksum: string
}

/** The piece as JSON; members that are undefined are left out. Undefined when nothing is left. */
export function writePart(part: Readonly<Record<string, unknown>>): WrittenPart | undefined {
  const content = encode(part)
  if (typeof content !== 'object' || content === null || Object.keys(content).length === 0) return undefined
  return { content, checksum: checksumOf(content) }
}

/** The piece again; `place` stands for all places in it. Undefined when the checksum does not fit. */
export function readPart(
  { content, checksum }: WrittenPart,
  place: Place,
  compile: (source: string) => WholeRegex | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (checksumOf(content) !== checksum) return undefined
  const decoded = decode(content, { place, compile })
  return typeof decoded === 'object' && decoded !== null ? { ...decoded } : undefined
}

const checksumOf = (content: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(content)))
    .digest('hex')
    .slice(0, 32)

/** Key order does not count. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  )
}

const isRegex = (value: object): value is WholeRegex =>
  'source' in value && 'test' in value && typeof value.test === 'function' && typeof value.source === 'string'

const isPlace = (value: object): value is Place => 'file' in value && 'line' in value && 'column' in value

function encode(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString('base64') }
  if (Array.isArray(value)) return value.map(encode)
  if (value instanceof Map) return { $map: [...value].map(([key, each]) => [encode(key), encode(each)]) }
  if (value instanceof Set) return { $set: [...value].map(encode) }
  // Envoy's YAML takes fractions and large numbers for texts.
  if (typeof value === 'number')
    return Math.abs(value) < 2 ** 31 && Number.isInteger(value) ? value : { $number: String(value) }
  if (typeof value !== 'object' || value === null) return value
  if (isPlace(value)) return { $place: true }
  if (isRegex(value)) return { $regex: value.source }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [key, encode(each)]),
  )
}

interface Decoding {
  readonly place: Place
  readonly compile: (source: string) => WholeRegex | undefined
}

function decode(value: unknown, context: Decoding): unknown {
  if (Array.isArray(value)) return value.map((each) => decode(each, context))
  if (typeof value !== 'object' || value === null) return value
  if ('$bytes' in value) return Buffer.from(String(value.$bytes), 'base64')
  if ('$number' in value) return Number(value.$number)
  if ('$place' in value) return context.place
  if ('$regex' in value) return context.compile(String(value.$regex))
  if ('$set' in value && Array.isArray(value.$set)) return new Set(value.$set.map((each) => decode(each, context)))
  if ('$map' in value && Array.isArray(value.$map)) {
    return new Map(value.$map.map(([key, each]: [unknown, unknown]) => [decode(key, context), decode(each, context)]))
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, decode(each, context)]))
}
