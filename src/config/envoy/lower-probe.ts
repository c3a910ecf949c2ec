// What a health check sends and expects. Envoy: HealthCheck.{Http,Tcp,Grpc,Custom}HealthCheck; Sluice's own:
// sluice.v1.WebSocketHealthCheck.

import { isMessage } from '@bufbuild/protobuf'
import type { HeaderMutations } from '../model/header-mutation.ts'
import type { HealthCheck, Probe, StatusRange } from '../model/health-check.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { each } from './lower-each.ts'
import { lowerAdditions } from './lower-header-mutation.ts'
import { lowerModelPart } from './lower-model-part.ts'
import { lowerProxyProtocolSend } from './lower-proxy-protocol.ts'
import { lowerStringMatch } from './lower-string-match.ts'
import {
  CodecClientType,
  type HealthCheck_CustomHealthCheck,
  type HealthCheck_GrpcHealthCheck,
  type HealthCheck_HttpHealthCheck,
  type HealthCheck_Payload,
  type HealthCheck_TcpHealthCheck,
  type HeaderValueOption,
  type Int64Range,
  ModelPartSchema,
  RequestMethod,
  type WebSocketHealthCheck,
  WebSocketHealthCheckSchema,
} from './messages.ts'
import { SUPPORTED } from './supported.ts'

type ProbeOf<Kind extends Probe['kind']> = Extract<Probe, { readonly kind: Kind }>

/** Envoy's response_buffer_size. */
const BUFFER_BYTES = 1024
/** Envoy: they have no request body. */
const WITHOUT_BODY: ReadonlySet<RequestMethod> = new Set([
  RequestMethod.METHOD_UNSPECIFIED,
  RequestMethod.GET,
  RequestMethod.HEAD,
  RequestMethod.DELETE,
  RequestMethod.TRACE,
])
const HOST_ELSEWHERE = 'the check has host and path for that'

export function lowerHttpProbe(loading: Loading, message: HealthCheck_HttpHealthCheck, spot: Spot): ProbeOf<'http'> {
  const method = message.method === RequestMethod.METHOD_UNSPECIFIED ? RequestMethod.GET : message.method
  const receive = lowerPayloads(loading, message.receive, spot.field('receive'))
  const maxBodyBytes = message.responseBufferSize === undefined ? BUFFER_BYTES : Number(message.responseBufferSize)
  const total = receive.reduce((sum, { length }) => sum + length, 0)
  if (maxBodyBytes !== 0 && total > maxBodyBytes)
    loading.error(
      spot.field('receive'),
      `The expected response length '${total}' is over than http health response buffer size '${maxBodyBytes}'`,
    )
  if (message.send !== undefined && WITHOUT_BODY.has(method))
    loading.error(
      spot.field('send'),
      `HTTP health check cannot specify a request payload with method '${RequestMethod[method]}'. Only methods that ` +
        'support a request body (POST, PUT, PATCH, OPTIONS) can be used with payload.',
    )
  return {
    kind: 'http',
    version: message.codecClientType === CodecClientType.HTTP2 ? 'http2' : 'http1',
    method: RequestMethod[method],
    path: lowerPath(loading, message.path, spot),
    host: message.host,
    headers: lowerFields(loading, message.requestHeadersToAdd, message.requestHeadersToRemove, spot),
    body: message.send && lowerPayload(loading, message.send, spot.field('send')),
    expected: lowerRanges(loading, message.expectedStatuses, spot.field('expected_statuses'), 'expected', 200),
    retriable: lowerRanges(loading, message.retriableStatuses, spot.field('retriable_statuses'), 'retriable'),
    expectedHeaders: [],
    expectedBody: receive.map((bytes) => ({ kind: 'bytes', bytes })),
    maxBodyBytes,
    serviceName:
      message.serviceNameMatcher &&
      lowerStringMatch(loading, message.serviceNameMatcher, spot.field('service_name_matcher')),
  }
}

export function lowerTcpProbe(loading: Loading, message: HealthCheck_TcpHealthCheck, spot: Spot): ProbeOf<'tcp'> {
  const header = message.proxyProtocolConfig
  return {
    kind: 'tcp',
    send: message.send && lowerPayload(loading, message.send, spot.field('send')),
    receive: lowerPayloads(loading, message.receive, spot.field('receive')),
    proxyProtocol: header && lowerProxyProtocolSend(loading, header, spot.field('proxy_protocol_config')),
  }
}

export const lowerGrpcProbe = (
  loading: Loading,
  message: HealthCheck_GrpcHealthCheck,
  spot: Spot,
): ProbeOf<'grpc'> => ({
  kind: 'grpc',
  service: message.serviceName,
  authority: message.authority,
  metadata: {
    add: lowerAdditions(loading, message.initialMetadata, spot.field('initial_metadata'), HOST_ELSEWHERE),
    remove: [],
  },
})

/** Envoy's own custom checkers are refused as unsupported types before this. */
export function lowerCustomCheck(
  loading: Loading,
  message: HealthCheck_CustomHealthCheck,
  spot: Spot,
): Pick<HealthCheck, 'probe'> & Partial<HealthCheck> {
  const at = spot.field('typed_config')
  const any = message.configType.case === 'typedConfig' ? message.configType.value : undefined
  const config = loading.unpack(any)
  const nothing: Probe = { kind: 'tcp', send: undefined, receive: [], proxyProtocol: undefined }
  if (isMessage(config, WebSocketHealthCheckSchema)) return { probe: lowerWebSocketProbe(loading, config, at) }
  if (isMessage(config, ModelPartSchema)) return { probe: nothing, ...lowerModelPart<HealthCheck>(loading, config, at) }
  if (config === undefined)
    loading.error(at, 'is required', `"@type": type.googleapis.com/${WebSocketHealthCheckSchema.typeName}`)
  else if (SUPPORTED.has(config.$typeName))
    loading.error(at.key('@type'), `must be a ${WebSocketHealthCheckSchema.typeName}`)
  return { probe: nothing }
}

const lowerWebSocketProbe = (loading: Loading, message: WebSocketHealthCheck, spot: Spot): ProbeOf<'websocket'> => ({
  kind: 'websocket',
  path: lowerPath(loading, message.path, spot),
  host: message.host,
  headers: lowerFields(loading, message.requestHeadersToAdd, message.requestHeadersToRemove, spot),
  subprotocols: message.subprotocols,
  expected: lowerRanges(loading, message.expectedStatuses, spot.field('expected_statuses'), 'expected', 101),
  expectedHeaders: each(message.expectedHeaders, spot.field('expected_headers'), ({ name, stringMatch }, at) => ({
    name: name.toLowerCase(),
    match:
      stringMatch === undefined
        ? { kind: 'prefix' as const, value: '', ignoreCase: false }
        : lowerStringMatch(loading, stringMatch, at.field('string_match')),
  })),
  ping: message.ping,
})

function lowerPath(loading: Loading, path: string, spot: Spot): string {
  if (path !== '' && !path.startsWith('/')) loading.error(spot.field('path'), 'must start with a slash')
  return path
}

const lowerFields = (
  loading: Loading,
  add: readonly HeaderValueOption[],
  remove: readonly string[],
  spot: Spot,
): HeaderMutations => ({
  add: lowerAdditions(loading, add, spot.field('request_headers_to_add'), HOST_ELSEWHERE),
  remove: remove.map((name) => name.toLowerCase()),
})

/** Half-open ranges; `standard` is what none at all means. */
function lowerRanges(
  loading: Loading,
  ranges: readonly Int64Range[],
  spot: Spot,
  kind: 'expected' | 'retriable',
  standard?: number,
): readonly StatusRange[] {
  if (ranges.length === 0) return standard === undefined ? [] : [{ first: standard, last: standard }]
  return each(ranges, spot, (range, at) => {
    const start = Number(range.start)
    const end = Number(range.end)
    const wrong = `Invalid http ${kind} status range: expecting`
    if (start >= end) loading.error(at, `${wrong} start < end, but found start=${start} and end=${end}`)
    else if (start < 100) loading.error(at, `${wrong} start >= 100, but found start=${start}`)
    else if (end > 600) loading.error(at, `${wrong} end <= 600, but found end=${end}`)
    return { first: start, last: end - 1 }
  })
}

const lowerPayloads = (loading: Loading, payloads: readonly HealthCheck_Payload[], spot: Spot): readonly Buffer[] =>
  each(payloads, spot, (payload, at) => lowerPayload(loading, payload, at))

function lowerPayload(loading: Loading, { payload }: HealthCheck_Payload, spot: Spot): Buffer {
  if (payload.case === 'binary') {
    if (payload.value.length === 0) loading.error(spot.field('binary'), 'must not be empty')
    return Buffer.from(payload.value)
  }
  const text = payload.value ?? ''
  const valid = /^(?:[0-9a-fA-F]{2})+$/.test(text)
  if (!valid && text !== '')
    loading.error(spot.field('text'), `invalid hex string '${text}'`, `write ${asHex(text)} to mean the text itself`)
  return valid ? Buffer.from(text, 'hex') : Buffer.alloc(0)
}

const asHex = (text: string): string => Buffer.from(text.slice(0, 32), 'utf8').toString('hex')
