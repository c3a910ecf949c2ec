// The diagnostic access log in the schema of Azure Application Gateway for Containers: one JSON object a line, written when
// the exchange is over, every property a string, `-` for what is not known. A WebSocket has one line, when it closes.
// Any dialect may write it.

import type { AccessLogConfig, JsonFormat, LogTarget } from './access-log.ts'
import { literalTemplate, parseFormat } from './format-parse.ts'
import type { FormatTemplate } from './format-template.ts'
import { NOWHERE, type Place } from './place.ts'

/** What the envelope says of where the line comes from; `-` when not known. */
export interface DiagnosticOrigin {
  readonly resourceId?: string
  readonly location?: string
}

/** The log as AGC writes it. `place`: where it was asked for. */
export const agcAccessLog = (
  target: LogTarget,
  place: Place = NOWHERE,
  { resourceId = '-', location = '-' }: DiagnosticOrigin = {},
): AccessLogConfig => ({
  target,
  format: {
    kind: 'json',
    fields: {
      category: literalTemplate('TrafficControllerAccessLog'),
      operationName: literalTemplate('ReqRespLogs'),
      resourceId: literalTemplate(resourceId),
      location: literalTemplate(location),
      time: template('%EMIT_TIME%'),
      properties: PROPERTIES,
    },
    omitEmpty: false,
    typed: false,
  },
  // The lines that an operator asked for besides, at the start or at intervals, are no entries of this schema.
  filter: { kind: 'type', types: ['DownstreamEnd'], exclude: false },
  place,
})

/**
 * The vendor's table of columns says `referrer`, its samples `referer`: the latter is what its storage holds. Bytes of the
 * body are those of the tunnel once there is one. Durations are milliseconds.
 */
const PROPERTIES: JsonFormat = {
  backendHost: template('%UPSTREAM_HOST%'),
  backendIp: template('%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'),
  backendPort: template('%UPSTREAM_REMOTE_PORT%'),
  backendResponseLatency: template('%COMMON_DURATION(US_TX_BEG:US_RX_BEG:ms)%'),
  backendTimeTaken: template('%UPSTREAM_DURATION%'),
  clientIp: template('%DOWNSTREAM_REMOTE_ADDRESS%'),
  frontendName: template('%LISTENER_NAME%'),
  frontendPort: template('%DOWNSTREAM_LOCAL_PORT%'),
  hostName: template('%REQ(X-ENVOY-ORIGINAL-HOST?:AUTHORITY)%'),
  httpMethod: template('%REQ(:METHOD)%'),
  httpStatusCode: template('%RESPONSE_CODE%'),
  httpVersion: template('%PROTOCOL%'),
  referer: template('%REQ_REDACTED(REFERER)%'),
  requestBodyBytes: template('%BYTES_RECEIVED%'),
  requestHeaderBytes: template('%REQUEST_HEADERS_BYTES%'),
  requestUri: template('%REQ_REDACTED(X-ENVOY-ORIGINAL-PATH?:PATH)%'),
  responseBodyBytes: template('%BYTES_SENT%'),
  responseHeaderBytes: template('%RESPONSE_HEADERS_BYTES%'),
  timeTaken: template('%DURATION%'),
  tlsCipher: template('%DOWNSTREAM_TLS_CIPHER%'),
  tlsProtocol: template('%DOWNSTREAM_TLS_VERSION%'),
  trackingId: template('%REQ(X-REQUEST-ID)%'),
  userAgent: template('%REQ(USER-AGENT)%'),
}

/** The formats above are parsed once; one that is wrong is a mistake of this file, which its test finds. */
function template(source: string): FormatTemplate {
  const parsed = parseFormat(source)
  return parsed.kind === 'template' ? parsed.template : literalTemplate('-')
}
