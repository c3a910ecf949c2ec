// Every way an HTTP/1 head or body can be wrong: the error code and one sentence that says it. The sentences are fixed,
// so nothing a peer sent is reflected in an answer or a log line.

import type { ErrorCode } from '../../core/errors.ts'

export interface HeadFault {
  readonly code: ErrorCode
  readonly detail: string
}

const fault = (code: ErrorCode, detail: string): HeadFault => ({ code, detail })

export const FAULT = {
  // Lines, RFC 9112 §2.2 and §5.
  bareLf: fault('http1_codec_error', 'a line ends in LF without CR'),
  bareCr: fault('http1_codec_error', 'a CR stands without LF'),
  control: fault('http1_invalid_characters', 'the head has a control character'),
  blankLines: fault('http1_codec_error', 'too many empty lines before the request line'),
  headTooLarge: fault('http1_headers_too_large', 'the head is too large'),
  tooManyHeaders: fault('http1_too_many_headers', 'the head has too many headers'),
  obsFold: fault('http1_codec_error', 'a header line starts with white space'),
  noColon: fault('http1_codec_error', 'a header line has no colon'),
  headerName: fault('http1_invalid_characters', 'a header name is empty or has a forbidden character'),
  underscore: fault('unexpected_underscore', 'a header name has an underscore'),

  // Request line, RFC 9112 §3.
  requestLine: fault('http1_codec_error', 'the request line is not "method target version"'),
  version: fault('http1_codec_error', 'the version is not HTTP/1.1 or HTTP/1.0'),
  http2Preface: fault('http1_codec_error', 'this is the HTTP/2 preface, but HTTP/1 is spoken here'),
  http10: fault('low_version', 'HTTP/1.0 is not accepted here'),
  method: fault('invalid_method', 'the method is not a token or not known'),
  target: fault('http1_invalid_url', 'the request target is not valid'),
  targetTooLong: fault('http1_headers_too_large', 'the request target is too long'),
  connectTarget: fault('http1_invalid_url', 'the target of CONNECT is not host:port'),
  scheme: fault('http1_invalid_scheme', 'the scheme of the request target is not http or https'),
  absoluteForm: fault('absolute_path_rejected', 'an absolute URL is not accepted as request target here'),

  // Host, RFC 9112 §3.2.
  hostMissing: fault('missing_host_header', 'an HTTP/1.1 request needs a Host header'),
  hostRepeated: fault('invalid_authority', 'the Host header is repeated'),
  hostInvalid: fault('invalid_authority', 'the Host header is not a host with an optional port'),

  // Connection, RFC 9110 §7.6.1.
  nomination: fault('http1_connection_header_rejected', 'Connection names a header that must not be removed'),
  nominations: fault('http1_connection_header_rejected', 'Connection names too many headers'),

  // Framing, RFC 9112 §6.
  lengthAndChunked: fault('http1_cl_and_te', 'both Content-Length and Transfer-Encoding are present'),
  length: fault('http1_content_length_not_allowed', 'Content-Length is not a number'),
  lengthRepeated: fault('http1_content_length_not_allowed', 'Content-Length is repeated'),
  coding: fault('http1_invalid_transfer_encoding', 'a transfer coding other than chunked is not supported'),
  codingInHttp10: fault('http1_codec_error', 'Transfer-Encoding is not part of HTTP/1.0'),
  connectCoding: fault('http1_invalid_transfer_encoding', 'a CONNECT request must not have Transfer-Encoding'),
  connectBody: fault('http1_body_disallowed', 'a CONNECT request must not have a body'),

  // Chunks, RFC 9112 §7.1.
  chunkSize: fault('http1_codec_error', 'a chunk size is not a hexadecimal number'),
  chunkTooLarge: fault('http1_codec_error', 'a chunk size is too large'),
  chunkLine: fault('http1_codec_error', 'a chunk size line is too long'),
  chunkExtensions: fault('http1_codec_error', 'the chunk extensions are too long'),
  chunkExtension: fault('http1_codec_error', 'a chunk extension has a forbidden character'),
  chunkLineEnd: fault('http1_codec_error', 'a chunk size line does not end in CRLF'),
  chunkEnd: fault('http1_codec_error', 'a chunk does not end in CRLF'),
  trailersTooLarge: fault('http1_headers_too_large', 'the trailer section is too large'),

  // Responses, RFC 9112 §4.
  statusLine: fault('upstream_protocol_error', 'the status line is not "version status reason"'),
  status: fault('upstream_protocol_error', 'the status is not a number from 100 to 999'),
  bodyForbidden: fault('upstream_protocol_error', 'a response that cannot have a body announces one'),
  switchUnasked: fault('upstream_protocol_error', 'the upstream answered 101 to a request that asked for no upgrade'),
  switchWithoutUpgrade: fault(
    'upstream_protocol_error',
    'the upstream answered 101 without Upgrade and Connection: upgrade',
  ),
  switchToOther: fault('upstream_protocol_error', 'the upstream answered 101 for another protocol than was asked for'),
  unsolicited: fault('upstream_protocol_error', 'the upstream sent bytes that answer no request'),
} as const satisfies Record<string, HeadFault>
