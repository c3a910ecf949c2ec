// Access logs, their filters and formats.

import { formatText } from '../model/format-parse.ts'
import type { AccessLogConfig, JsonFormat, LogFilter, LogFormat } from '../model/access-log.ts'
import type { FormatTemplate } from '../model/format-template.ts'
import type { LocalReplyFormat } from '../model/http-connection-manager.ts'
import { fields, type Fields, fractionalPercent, type Json, listOf, typed, unless } from './json.ts'
import { headerMatcher } from './string-match.ts'

const TYPES = {
  file: 'envoy.extensions.access_loggers.file.v3.FileAccessLog',
  stdout: 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  stderr: 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog',
} as const

/** A list of AccessLog. */
export const accessLogs = (logs: readonly AccessLogConfig[]): Json | undefined => listOf(logs, accessLog)

function accessLog({ target, format, filter }: AccessLogConfig): Fields {
  const path = target.kind === 'file' ? { path: target.path } : {}
  return fields({
    name: `envoy.access_loggers.${target.kind}`,
    filter: filter === undefined ? undefined : logFilter(filter),
    typed_config: typed(TYPES[target.kind], { ...path, ...logFormat(format, target.kind === 'file') }),
  })
}

function logFormat(format: LogFormat, file: boolean): Fields {
  const omitEmpty = unless(format.omitEmpty, false)
  if (format.kind === 'text')
    return {
      log_format: fields({
        text_format_source: { inline_string: formatText(format.template) },
        omit_empty_values: omitEmpty,
      }),
    }
  // Only the old field of files still makes every value a text.
  if (!format.typed && file) return { json_format: jsonFormat(format.fields) }
  return { log_format: fields({ json_format: jsonFormat(format.fields), omit_empty_values: omitEmpty }) }
}

const isTemplate = (value: object): value is FormatTemplate =>
  'source' in value && typeof value.source === 'string' && 'parts' in value

/** Format strings for templates. */
export const jsonFormat = (format: JsonFormat): Fields =>
  Object.fromEntries(Object.entries(format).map(([key, value]) => [key, member(value)]))

function member(value: JsonFormat[string]): Json {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(member)
  return isTemplate(value) ? formatText(value) : jsonFormat(value)
}

const isList = (value: object): value is readonly (FormatTemplate | JsonFormat)[] => Array.isArray(value)

/** AccessLogFilter. */
export function logFilter(filter: LogFilter): Fields {
  switch (filter.kind) {
    case 'status':
      return { status_code_filter: comparison(filter.comparison) }
    case 'duration':
      return { duration_filter: comparison(filter.comparison) }
    case 'not-health-check':
      return { not_health_check_filter: {} }
    case 'traceable':
      return { traceable_filter: {} }
    case 'runtime':
      return { runtime_filter: { runtime_key: 'sluice', percent_sampled: fractionalPercent(filter.percent / 100) } }
    case 'and':
      return { and_filter: { filters: filter.filters.map(logFilter) } }
    case 'or':
      return { or_filter: { filters: filter.filters.map(logFilter) } }
    case 'header':
      return { header_filter: { header: headerMatcher(filter.header) } }
    case 'flags':
      return { response_flag_filter: fields({ flags: listOf(filter.flags, (flag) => flag) }) }
    case 'type':
      return { log_type_filter: fields({ types: [...filter.types], exclude: unless(filter.exclude, false) }) }
    case 'grpc-status':
      return { grpc_status_filter: fields({ statuses: [...filter.statuses], exclude: unless(filter.exclude, false) }) }
  }
}

const comparison = ({ op, value }: { readonly op: string; readonly value: number }): Fields => ({
  comparison: { op, value: { default_value: value, runtime_key: 'sluice' } },
})

/** SubstitutionFormatString of a local reply or direct response. */
export function replyFormat({ template, contentType }: LocalReplyFormat): Fields {
  const text = isTemplate(template)
  const usual = text ? 'text/plain' : 'application/json'
  return fields({
    ...(text ? { text_format_source: { inline_string: formatText(template) } } : { json_format: jsonFormat(template) }),
    content_type: unless(contentType, usual),
  })
}
