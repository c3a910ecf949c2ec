// The HTTP connection manager.

import type { HttpConnectionManager, LocalReplyMapper } from '../model/http-connection-manager.ts'
import { accessLogs, logFilter, replyFormat } from './access-log.ts'
import { cidrRange } from './address.ts'
import { headerOption } from './header-mutation.ts'
import { httpFilter } from './http-filter.ts'
import { commonHttpOptions, http1Options, http2Options } from './http-options.ts'
import { fields, type Fields, type Json, listOf, optional, timeout, unless, unlessEmpty } from './json.ts'
import { routeConfiguration } from './route-table.ts'

type Written = Readonly<Record<string, Json | undefined>>

/** HttpConnectionManager; `clusters` are the names that exist. */
export const connectionManager = (hcm: HttpConnectionManager, clusters: ReadonlySet<string>): Fields =>
  fields({
    stat_prefix: hcm.statPrefix,
    codec_type: hcm.codec === 'auto' ? undefined : hcm.codec.toUpperCase(),
    route_config: routeConfiguration(hcm.routes, clusters),
    http_filters: listOf(hcm.filters, httpFilter),
    upgrade_configs: listOf([...hcm.upgrades], ([type, { enabled, filters }]) =>
      fields({ upgrade_type: type, enabled: unless(enabled, true), filters: listOf(filters, httpFilter) }),
    ),
    ...protocols(hcm),
    ...timeouts(hcm),
    ...logging(hcm),
    ...addresses(hcm),
    ...headers(hcm),
    ...paths(hcm),
    local_reply_config: unlessEmpty(
      fields({
        mappers: listOf(hcm.localReplyMappers, mapper),
        body_format: hcm.localReplyFormat && replyFormat(hcm.localReplyFormat),
      }),
    ),
  })

const protocols = (hcm: HttpConnectionManager): Written => ({
  // What upstreams may answer is a cluster's to say.
  common_http_protocol_options: commonHttpOptions({ ...hcm.common, maxResponseHeadersKb: 60 }),
  http_protocol_options: http1Options(hcm.http1, hcm.streamErrorOnInvalidMessage),
  http2_protocol_options: unlessEmpty(http2Options(hcm.http2, hcm.streamErrorOnInvalidMessage)),
  max_request_headers_kb: unless(hcm.maxRequestHeadersKb, 60),
  stream_error_on_invalid_http_message: unless(hcm.streamErrorOnInvalidMessage, false),
})

const timeouts = (hcm: HttpConnectionManager): Written => ({
  stream_idle_timeout: timeout(hcm.streamIdleTimeoutMs, 300_000),
  request_timeout: optional(hcm.requestTimeoutMs),
  request_headers_timeout: optional(hcm.requestHeadersTimeoutMs),
  drain_timeout: timeout(hcm.drainTimeoutMs, 5000),
  delayed_close_timeout: timeout(hcm.delayedCloseTimeoutMs, 1000),
})

const logging = ({ accessLogs: logs, accessLogOptions: options }: HttpConnectionManager): Written => ({
  access_log: accessLogs(logs),
  access_log_options: unlessEmpty(
    fields({
      access_log_flush_interval: optional(options.flushIntervalMs),
      flush_access_log_on_new_request: unless(options.onNewRequest, false),
      flush_log_on_tunnel_successfully_established: unless(options.onTunnelEstablished, false),
    }),
  ),
})

const addresses = (hcm: HttpConnectionManager): Written => ({
  use_remote_address: unless(hcm.useRemoteAddress, false),
  xff_num_trusted_hops: unless(hcm.xffNumTrustedHops, 0),
  skip_xff_append: unless(hcm.skipXffAppend, false),
  append_x_forwarded_port: unless(hcm.appendXForwardedPort, false),
  represent_ipv4_remote_address_as_ipv4_mapped_ipv6: unless(hcm.representIpv4AsMapped, false),
  internal_address_config: unlessEmpty(
    fields({
      unix_sockets: unless(hcm.internalAddresses.unixSockets, false),
      cidr_ranges: listOf(hcm.internalAddresses.ranges, cidrRange),
    }),
  ),
})

const SERVER_HEADERS = {
  overwrite: undefined,
  'append-if-absent': 'APPEND_IF_ABSENT',
  'pass-through': 'PASS_THROUGH',
} as const

const CLIENT_CERTS = {
  sanitize: undefined,
  'forward-only': 'FORWARD_ONLY',
  'append-forward': 'APPEND_FORWARD',
  'sanitize-set': 'SANITIZE_SET',
  'always-forward-only': 'ALWAYS_FORWARD_ONLY',
} as const

function headers(hcm: HttpConnectionManager): Written {
  const scheme = hcm.schemeTransformation
  const { subject, cert, chain, dns, uri } = hcm.clientCertDetails
  return {
    server_name: unless(hcm.serverName, 'envoy'),
    server_header_transformation: SERVER_HEADERS[hcm.serverHeader],
    scheme_header_transformation:
      scheme === ''
        ? undefined
        : scheme === 'match-upstream'
          ? { match_upstream: true }
          : { scheme_to_overwrite: scheme },
    via: unless(hcm.via, ''),
    generate_request_id: unless(hcm.generateRequestId, true),
    preserve_external_request_id: unless(hcm.preserveExternalRequestId, false),
    always_set_request_id_in_response: unless(hcm.alwaysSetRequestIdInResponse, false),
    forward_client_cert_details: CLIENT_CERTS[hcm.forwardClientCert],
    set_current_client_cert_details: unlessEmpty(
      fields({
        subject: unless(subject, false),
        cert: unless(cert, false),
        chain: unless(chain, false),
        dns: unless(dns, false),
        uri: unless(uri, false),
      }),
    ),
    proxy_100_continue: unless(hcm.proxy100Continue, false),
    add_user_agent: unless(hcm.addUserAgent, false),
  }
}

const SLASHES = {
  keep: undefined,
  reject: 'REJECT_REQUEST',
  'unescape-and-redirect': 'UNESCAPE_AND_REDIRECT',
  'unescape-and-forward': 'UNESCAPE_AND_FORWARD',
} as const

const paths = (hcm: HttpConnectionManager): Written => ({
  normalize_path: unless(hcm.normalizePath, false),
  merge_slashes: unless(hcm.mergeSlashes, false),
  path_with_escaped_slashes_action: SLASHES[hcm.escapedSlashes],
  strip_any_host_port: hcm.stripPort === 'any' ? true : undefined,
  strip_matching_host_port: hcm.stripPort === 'matching' ? true : undefined,
  strip_trailing_host_dot: unless(hcm.stripTrailingHostDot, false),
})

const mapper = ({ filter, status, body, format, headers: added }: LocalReplyMapper): Fields =>
  fields({
    filter: logFilter(filter),
    status_code: status,
    body: body === undefined ? undefined : { inline_string: body },
    body_format_override: format && replyFormat(format),
    headers_to_add: listOf(added, headerOption),
  })
