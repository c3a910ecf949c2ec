// Access logs to files and standard streams. Envoy: config.accesslog.v3.AccessLog, extensions.access_loggers.

import { isMessage, type MessageShape } from '@bufbuild/protobuf'
import type { AccessLogConfig, LogFormat, LogTarget } from '../model/access-log.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { each } from './lower-each.ts'
import { lowerJsonFormat, lowerSubstitution, lowerTemplate } from './lower-format.ts'
import { lowerLogFilter } from './lower-log-filter.ts'
import {
  FileAccessLogSchema,
  StderrAccessLogSchema,
  StdoutAccessLogSchema,
  type AccessLog,
  type SubstitutionFormatString,
} from './messages.ts'

/** Envoy's default line. */
export const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n'

/** The logs of a list; those of refused types are left out. */
export const lowerAccessLogs = (loading: Loading, logs: readonly AccessLog[], spot: Spot): readonly AccessLogConfig[] =>
  each(logs, spot, (log, at) => lowerAccessLog(loading, log, at)).filter((log) => log !== undefined)

/** A log to a file in the default format, as the old `access_log_path` of admin asks for. */
export const defaultFileLog = (loading: Loading, path: string, spot: Spot): AccessLogConfig => ({
  target: { kind: 'file', path },
  format: defaultFormat(loading, spot),
  filter: undefined,
  place: spot.place,
})

function lowerAccessLog(loading: Loading, log: AccessLog, spot: Spot): AccessLogConfig | undefined {
  const config = log.configType.case === 'typedConfig' ? loading.unpack(log.configType.value) : undefined
  const at = spot.field('typed_config')
  const sink = (target: LogTarget, format: LogFormat): AccessLogConfig => ({
    target,
    format,
    filter: log.filter === undefined ? undefined : lowerLogFilter(loading, log.filter, spot.field('filter')),
    place: spot.place,
  })
  if (isMessage(config, FileAccessLogSchema)) {
    return sink({ kind: 'file', path: config.path }, fileFormat(loading, config.accessLogFormat, at))
  }
  if (isMessage(config, StdoutAccessLogSchema))
    return sink({ kind: 'stdout' }, streamFormat(loading, config.accessLogFormat.value, at))
  if (isMessage(config, StderrAccessLogSchema))
    return sink({ kind: 'stderr' }, streamFormat(loading, config.accessLogFormat.value, at))
  if (config === undefined) loading.error(spot, 'needs typed_config, which says where the lines go')
  return undefined
}

type FileFormat = MessageShape<typeof FileAccessLogSchema>['accessLogFormat']

function fileFormat(loading: Loading, format: FileFormat, spot: Spot): LogFormat {
  switch (format.case) {
    case 'format': {
      if (format.value === '') return defaultFormat(loading, spot)
      return { kind: 'text', template: lowerTemplate(loading, format.value, spot.field('format')), omitEmpty: false }
    }
    case 'jsonFormat':
      return {
        kind: 'json',
        fields: lowerJsonFormat(loading, format.value, spot.field('json_format')),
        omitEmpty: false,
        typed: false,
      }
    case 'typedJsonFormat':
      return {
        kind: 'json',
        fields: lowerJsonFormat(loading, format.value, spot.field('typed_json_format')),
        omitEmpty: false,
        typed: true,
      }
    case 'logFormat':
      return streamFormat(loading, format.value, spot)
    case undefined:
      return defaultFormat(loading, spot)
  }
}

function streamFormat(loading: Loading, message: SubstitutionFormatString | undefined, spot: Spot): LogFormat {
  const format = lowerSubstitution(loading, message, spot.field('log_format'))
  if (format === undefined) return defaultFormat(loading, spot)
  const omitEmpty = message?.omitEmptyValues ?? false
  // Since 1.33 JSON keeps numbers as numbers.
  return format.kind === 'json' ? { ...format, omitEmpty, typed: true } : { ...format, omitEmpty }
}

const defaultFormat = (loading: Loading, spot: Spot): LogFormat => ({
  kind: 'text',
  template: lowerTemplate(loading, DEFAULT_FORMAT, spot),
  omitEmpty: false,
})
