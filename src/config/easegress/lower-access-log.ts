// accessLogFormat: one line for each request, on stdout, when it has ended; a WebSocket's when it has closed. The vendor
// writes a file in its log folder instead.

import { parseFormat } from '../model/format-parse.ts'
import type { AccessLogConfig } from '../model/access-log.ts'
import type { FormatTemplate, TemplatePart } from '../model/format-template.ts'
import { nearestName } from '../model/nearest-name.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'

const DEFAULT_FORMAT =
  '[{{Time}}] [{{RemoteAddr}} {{RealIP}} {{Method}} {{URI}} {{Proto}} {{StatusCode}}] ' +
  '[{{Duration}} rx:{{ReqSize}}B tx:{{RespSize}}B] [{{Tags}}]'

/** Headers may hold credentials and are never written. */
const FIELDS: ReadonlyMap<string, string> = new Map([
  ['Time', '%START_TIME%'],
  ['RemoteAddr', '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%'],
  ['RealIP', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'],
  ['Method', '%REQ(:METHOD)%'],
  ['URI', '%REQUEST_TARGET:512%'],
  ['Proto', '%PROTOCOL%'],
  ['StatusCode', '%RESPONSE_CODE%'],
  ['Duration', '%DURATION%ms'],
  ['ReqSize', '%PAYLOAD_BYTES_RECEIVED%'],
  ['RespSize', '%PAYLOAD_BYTES_SENT%'],
  ['Tags', '%ROUTE_NAME% %RESPONSE_CODE_DETAILS% %CLOSE_CAUSE%'],
])

const UNSUPPORTED = new Set(['ReqHeaders', 'RespHeaders'])

export function lowerAccessLog(loading: Loading, format: string | undefined, spot: Spot): AccessLogConfig {
  return {
    target: { kind: 'stdout' },
    format: { kind: 'text', template: template(loading, format || DEFAULT_FORMAT, spot), omitEmpty: false },
    filter: undefined,
    place: spot.place,
  }
}

function template(loading: Loading, format: string, spot: Spot): FormatTemplate {
  const parts: TemplatePart[] = []
  let at = 0
  for (const match of format.matchAll(/\{\{\s*\.?([A-Za-z]*)\s*\}\}/g)) {
    if (match.index > at) parts.push({ kind: 'text', text: format.slice(at, match.index) })
    parts.push(...field(loading, match[1] ?? '', spot))
    at = match.index + match[0].length
  }
  parts.push({ kind: 'text', text: `${format.slice(at)}\n` })
  return { source: format, parts }
}

function field(loading: Loading, name: string, spot: Spot): readonly TemplatePart[] {
  const parsed = parseFormat(FIELDS.get(name) ?? '')
  if (FIELDS.has(name) && parsed.kind === 'template') return parsed.template.parts
  if (UNSUPPORTED.has(name)) {
    loading.error(
      spot,
      `{{${name}}} is known to Easegress but not supported by Sluice`,
      'headers carry credentials, which do not belong into a log',
    )
    return []
  }
  const nearest = nearestName(name, FIELDS.keys())
  const hint = nearest === undefined ? `known: ${[...FIELDS.keys()].join(', ')}` : `did you mean {{${nearest}}}?`
  loading.error(spot, `there is no field {{${name}}}`, hint)
  return []
}
