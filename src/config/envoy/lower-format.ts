// Format strings with command operators. Envoy: config.core.v3.SubstitutionFormatString.

import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import type { JsonFormat } from '../model/access-log.ts'
import { parseFormat } from '../model/format-parse.ts'
import type { FormatTemplate } from '../model/format-template.ts'
import type { LocalReplyFormat } from '../model/http-connection-manager.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { loadData } from './lower-data-source.ts'
import type { SubstitutionFormatString } from './messages.ts'

const EMPTY: FormatTemplate = { source: '', parts: [] }

/** Parses one format string; a fault is reported at `spot`. */
export function lowerTemplate(loading: Loading, source: string, spot: Spot): FormatTemplate {
  const parsed = parseFormat(source)
  if (parsed.kind === 'template') return parsed.template
  loading.error(spot, parsed.message, parsed.hint)
  return EMPTY
}

type JsonMember = JsonFormat[string]

/** Every text in the object is a format string; numbers, truth values and null stay. */
export function lowerJsonFormat(loading: Loading, json: JsonObject, spot: Spot): JsonFormat {
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, jsonMember(loading, value, spot.key(key))]),
  )
}

function jsonMember(loading: Loading, value: JsonValue, spot: Spot): JsonMember {
  if (typeof value === 'string') return lowerTemplate(loading, value, spot)
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value)) return lowerJsonFormat(loading, value, spot)
  return value.map((item, index) => listMember(loading, item, spot.at(index)))
}

/** The model's lists hold templates and objects; a number becomes its text. */
function listMember(loading: Loading, item: JsonValue, spot: Spot): FormatTemplate | JsonFormat {
  if (typeof item !== 'object' || item === null) return lowerTemplate(loading, String(item), spot)
  return lowerJsonFormat(loading, Array.isArray(item) ? Object.fromEntries(item.entries()) : item, spot)
}

/** A format in text or JSON, as access logs and local replies take it. */
export type LoweredFormat =
  { readonly kind: 'text'; readonly template: FormatTemplate } | { readonly kind: 'json'; readonly fields: JsonFormat }

/** undefined when no format is set. */
export function lowerSubstitution(
  loading: Loading,
  message: SubstitutionFormatString | undefined,
  spot: Spot,
): LoweredFormat | undefined {
  switch (message?.format.case) {
    case 'textFormat':
      return { kind: 'text', template: lowerTemplate(loading, message.format.value, spot.field('text_format')) }
    case 'jsonFormat':
      return { kind: 'json', fields: lowerJsonFormat(loading, message.format.value, spot.field('json_format')) }
    case 'textFormatSource': {
      const data = loadData(loading, message.format.value, spot.field('text_format_source'))
      if (data === undefined) return undefined
      return { kind: 'text', template: lowerTemplate(loading, data.bytes.toString('utf8'), data.spot) }
    }
    default:
      return undefined
  }
}

/** Body format of local replies: content type by kind unless set. */
export function lowerReplyFormat(
  loading: Loading,
  message: SubstitutionFormatString | undefined,
  spot: Spot,
): LocalReplyFormat | undefined {
  const format = lowerSubstitution(loading, message, spot)
  if (format === undefined) return undefined
  const usual = format.kind === 'json' ? 'application/json' : 'text/plain'
  const contentType = message === undefined || message.contentType === '' ? usual : message.contentType
  return { template: format.kind === 'json' ? format.fields : format.template, contentType }
}
