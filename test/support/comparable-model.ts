// The model without what a conversion may change: places, where bytes came from, the dump of the text, and values that have
// no say beside others.

import { formatText } from '../../src/config/model/format-parse.ts'
import type { FormatTemplate } from '../../src/config/model/format-template.ts'

/** Names of members that say where something stood, or that only show. */
const WHERE = /^(?:place|.*Place|origin|dump|objects)$/
/** Lists and switches that say the same when they are empty, off or not there. */
const UNSAID =
  /^(?:healthChecks|mirrors|closeConnectionsOnHealthFailure|ignoreHealthOnRemoval|hashPolicies|expectedStatuses|anyHeader|anyQuery|hosts|methods|attemptCountInRequest|attemptCountInResponse|trackRemaining|weightedPriorityHealth|allowPrivateNetwork|keepUnmatchedPreflights|refusal|spread)$/

type Plain = Readonly<Record<string, unknown>>

/** Plain data for deepEqual; undefined members and members that are not there are the same. */
export function comparable(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (value instanceof Map) return [...value].map(([key, item]) => [key, comparable(item)])
  if (value instanceof Set) return [...value].map(comparable)
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON()
  if ('source' in value && 'test' in value) return value.source
  if (isTemplate(value)) return formatText(value)
  return Object.fromEntries(
    Object.entries(withoutMute({ ...value }))
      .filter(([key, item]) => item !== undefined && !WHERE.test(key) && !(UNSAID.test(key) && isNothing(item)))
      .map(([key, item]) => [key, comparable(item)]),
  )
}

/** Of a pipeline's texts the parts are of other kinds. */
const isTemplate = (value: object): value is FormatTemplate =>
  'parts' in value &&
  'source' in value &&
  Array.isArray(value.parts) &&
  value.parts.every((part: unknown) => isPlain(part) && (part['kind'] === 'text' || part['kind'] === 'operator'))

const isNothing = (item: unknown): boolean => item === false || (Array.isArray(item) && item.length === 0)

/** A cluster that always speaks one version has no use for the options of the other, and so on. */
function withoutMute(value: Plain): Plain {
  const { protocol, kind, serverHeader, common } = value
  const version = isPlain(protocol) && protocol['kind'] === 'explicit' ? protocol['version'] : undefined
  if (version === 'http1') return { ...value, http2: undefined }
  if (version === 'http2') return { ...value, http1: undefined }
  if (kind !== 'http-connection-manager') return value
  return {
    ...value,
    serverName: serverHeader === 'pass-through' ? undefined : value['serverName'],
    // What upstreams may answer is a cluster's to say.
    common: isPlain(common) ? { ...common, maxResponseHeadersKb: undefined } : common,
  }
}

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null
