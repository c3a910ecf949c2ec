// Writes heads and trailers as header blocks (RFC 9113 §8.2.2, §8.3; RFC 8441 §4): what only HTTP/1 connections mean is left
// out, upgrades become extended CONNECT and back.

import type { RequestHead, ResponseHead } from '../http-stream.ts'
import type { HeaderList } from '../header-list.ts'
import { isWebSocket, METHOD_FIELD } from '../upgrade-translation.ts'
import type { BlockBuffer, HpackEncoder } from './hpack/encoder.ts'

/** Never sent in HTTP/2. `host` is :authority; the method field is written by {@link encodeRequest} alone. */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
  METHOD_FIELD,
])

/** Options of the Connection field that name no field of their own, or one that is handled anyway. */
const PLAIN_CONNECTION_OPTIONS: ReadonlySet<string> = new Set(['', 'close', 'te', ...DROPPED])

const NO_NAMES: ReadonlySet<string> = new Set()
const NO_LENGTH: ReadonlySet<string> = new Set(['content-length'])
const NO_TE: ReadonlySet<string> = new Set(['te'])
const NO_TE_NO_LENGTH: ReadonlySet<string> = new Set(['te', 'content-length'])

/** Writes the request head into `out`. The head is not changed. */
export function encodeRequest(encoder: HpackEncoder, out: BlockBuffer, head: RequestHead): void {
  encoder.begin(out)
  switch (head.tunnel?.kind) {
    case undefined:
      encoder.encode(out, ':method', head.method)
      encodeTarget(encoder, out, head)
      return encodeFields(encoder, out, head.headers, NO_NAMES)
    case 'connect':
      // RFC 9113 §8.5: no :scheme, no :path.
      encoder.encode(out, ':method', 'CONNECT')
      encoder.encode(out, ':authority', head.authority)
      return encodeFields(encoder, out, head.headers, NO_LENGTH)
    case 'upgrade':
      return encodeUpgrade(encoder, out, head, head.tunnel.type)
  }
}

/** RFC 8441 §4. A length other than 0 is left in place: the peer refuses the request, as it does when Envoy sends it. */
function encodeUpgrade(encoder: HpackEncoder, out: BlockBuffer, head: RequestHead, type: string): void {
  encoder.encode(out, ':method', 'CONNECT')
  encoder.encode(out, ':protocol', type)
  encodeTarget(encoder, out, head)
  const length = head.headers.get('content-length')
  encodeFields(encoder, out, head.headers, length !== undefined && Number(length) === 0 ? NO_TE_NO_LENGTH : NO_TE)
  if (head.method !== 'GET' && !isWebSocket(type)) encoder.encode(out, METHOD_FIELD, head.method)
}

function encodeTarget(encoder: HpackEncoder, out: BlockBuffer, head: RequestHead): void {
  encoder.encode(out, ':scheme', head.scheme)
  // RFC 9113 §8.3.1: an intermediary must not make up an authority.
  if (head.authority !== '') encoder.encode(out, ':authority', head.authority)
  encoder.encode(out, ':path', head.path === '' ? '/' : head.path)
}

/** Writes a response head with `status` in place of the head's own. */
export function encodeResponse(
  encoder: HpackEncoder,
  out: BlockBuffer,
  status: number,
  head: ResponseHead,
  tunnel: boolean,
): void {
  encoder.begin(out)
  encoder.encode(out, ':status', statusText(status))
  encodeFields(encoder, out, head.headers, tunnel ? NO_TE_NO_LENGTH : NO_TE)
}

/** Writes a trailer section. */
export function encodeTrailers(encoder: HpackEncoder, out: BlockBuffer, trailers: HeaderList): void {
  encoder.begin(out)
  encodeFields(encoder, out, trailers, NO_TE)
}

/** Writes the fields but those of HTTP/1 connections, those the Connection field names (RFC 9110 §7.6.1) and `without`. */
function encodeFields(
  encoder: HpackEncoder,
  out: BlockBuffer,
  headers: HeaderList,
  without: ReadonlySet<string>,
): void {
  const { fields } = headers
  const nominated = headers.has('connection') ? nominatedBy(headers) : NO_NAMES
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    const value = fields[i + 1] ?? ''
    if (DROPPED.has(name) || without.has(name) || nominated.has(name)) continue
    // RFC 9113 §8.2.2: te may say "trailers" and nothing else.
    if (name === 'te' && !hasTrailers(value)) continue
    encoder.encode(out, name, name === 'te' ? 'trailers' : value)
  }
}

function nominatedBy(headers: HeaderList): ReadonlySet<string> {
  let names: Set<string> | undefined
  for (const value of headers.values('connection')) {
    for (const option of value.split(',')) {
      const name = option.trim().toLowerCase()
      if (!PLAIN_CONNECTION_OPTIONS.has(name)) (names ??= new Set()).add(name)
    }
  }
  return names ?? NO_NAMES
}

const hasTrailers = (te: string): boolean =>
  te
    .toLowerCase()
    .split(',')
    .some((part) => part.trim().split(';')[0]?.trim() === 'trailers')

const STATUS_TEXTS: readonly string[] = Array.from({ length: 1000 }, (_, status) => String(status))
const statusText = (status: number): string => STATUS_TEXTS[status] ?? String(status)
