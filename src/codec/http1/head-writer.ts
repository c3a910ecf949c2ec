// Writes heads (RFC 9112 §3 to §5) as one latin1 string. Fields that belong to one hop are left out and written anew
// from what this hop decided, so no head can contradict its framing.

import { METHOD_FIELD } from '../upgrade-translation.ts'
import { type HeaderList, isToken } from '../header-list.ts'
import type { RequestHead, ResponseHead } from '../http-stream.ts'
import { isAuthority, isTargetText } from './characters.ts'
import { wantsTrailers } from './connection-fields.ts'
import { properFieldName } from './field-names.ts'
import { isRegisteredMethod } from './methods.ts'
import type { HeaderKeyFormat } from './options.ts'
import type { OutgoingFraming } from './outgoing-framing.ts'
import { reasonPhrase } from './reason-phrases.ts'

/** What the head says of its connection besides the fields given. */
export interface RequestLineOptions {
  readonly headerKeyFormat: HeaderKeyFormat
  readonly sendFullyQualifiedUrl: boolean
}

/** The request head, or undefined when its method, target or authority could not stand on a request line. */
export function writeRequestHead(
  head: RequestHead,
  framing: OutgoingFraming,
  options: RequestLineOptions,
): string | undefined {
  const { method, authority, path } = head
  if (!isRegisteredMethod(method) && !isToken(method)) return undefined
  if ((authority !== '' && !isAuthority(authority)) || !isTargetText(path)) return undefined
  const proper = options.headerKeyFormat === 'proper-case'
  const target = requestTarget(head, options.sendFullyQualifiedUrl)
  if (target === '') return undefined
  const start = `${method} ${target} HTTP/1.1\r\n${proper ? 'Host' : 'host'}: ${authority}\r\n`
  const upgrade = head.tunnel?.kind === 'upgrade' ? head.tunnel.type : ''
  const te = wantsTrailers(head.headers.get('te'))
  let text = appendFields(start, head.headers, true, proper)
  if (te) text += line('te', 'trailers', proper)
  // RFC 9110 §10.1.4: TE goes no further than the next hop, so Connection must say so.
  const connection = listOf(upgrade !== '' ? 'upgrade' : '', te ? 'te' : '')
  text = appendHopFields(text, upgrade, connection, proper)
  return `${appendFraming(text, framing, proper)}\r\n`
}

function requestTarget(head: RequestHead, fullyQualified: boolean): string {
  if (head.tunnel?.kind === 'connect') return head.authority
  const path = head.path === '' ? '/' : head.path
  if (fullyQualified && path.startsWith('/')) return `${head.scheme}://${head.authority}${path}`
  return path
}

/** What the response says of its connection. */
export interface ResponseHeadOptions {
  readonly headerKeyFormat: HeaderKeyFormat
  readonly isHttp10: boolean
  /** '' | 'close' | 'keep-alive' */
  readonly persistence: string
  /** Value of `upgrade` to write; '' = none. */
  readonly upgrade: string
}

/** The response head. */
export function writeResponseHead(head: ResponseHead, framing: OutgoingFraming, options: ResponseHeadOptions): string {
  const proper = options.headerKeyFormat === 'proper-case'
  const standard = reasonPhrase(head.status)
  const reason = head.reason === '' || head.reason === standard || !isReason(head.reason) ? standard : head.reason
  const start = `${options.isHttp10 ? 'HTTP/1.0' : 'HTTP/1.1'} ${head.status} ${reason}\r\n`
  const connection = listOf(options.upgrade === '' ? '' : 'upgrade', options.persistence)
  const text = appendHopFields(appendFields(start, head.headers, false, proper), options.upgrade, connection, proper)
  return `${appendFraming(text, framing, proper)}\r\n`
}

const REASON = /^[\t\x20-\x7e\x80-\xff]*$/
const isReason = (text: string): boolean => REASON.test(text)

// Written by this file from other sources, or meant for one hop.
const WRITTEN_ELSEWHERE: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'transfer-encoding',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'http2-settings',
  METHOD_FIELD,
])

/** Lengths of those names: most fields are told from them without a look into the set. */
const LENGTHS_ELSEWHERE: readonly boolean[] = Array.from({ length: 32 }, (_, length) =>
  [...WRITTEN_ELSEWHERE].some((name) => name.length === length),
)

const isWrittenElsewhere = (name: string): boolean =>
  LENGTHS_ELSEWHERE[name.length] === true && WRITTEN_ELSEWHERE.has(name)

function appendFields(text: string, headers: HeaderList, isRequest: boolean, proper: boolean): string {
  const { fields } = headers
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    if (isWrittenElsewhere(name) || (isRequest && (name === 'host' || name === 'te'))) continue
    const value = fields[i + 1] ?? ''
    // Last line against response and request splitting, whatever filter or codec made the field.
    if (BREAKS_LINE.test(value)) continue
    text += `${proper ? properFieldName(name) : name}: ${value}\r\n`
  }
  return text
}

// A character beyond latin1 goes out as its low byte: U+010A would become the LF that it hides.
// oxlint-disable-next-line no-control-regex -- NUL is one of them
const BREAKS_LINE = /[\r\n\0\u0100-\uffff]/

function appendHopFields(text: string, upgrade: string, connection: string, proper: boolean): string {
  let all = text
  if (upgrade !== '' && !BREAKS_LINE.test(upgrade)) all += line('upgrade', upgrade, proper)
  if (connection !== '') all += line('connection', connection, proper)
  return all
}

function appendFraming(text: string, framing: OutgoingFraming, proper: boolean): string {
  if (framing.kind === 'chunked') return text + line('transfer-encoding', 'chunked', proper)
  return framing.contentLength >= 0 ? text + line('content-length', String(framing.contentLength), proper) : text
}

/** Trailer lines, each closed by CRLF. */
export const writeTrailers = (trailers: HeaderList, format: HeaderKeyFormat): string =>
  appendFields('', trailers, false, format === 'proper-case')

const line = (name: string, value: string, proper: boolean): string =>
  `${proper ? properFieldName(name) : name}: ${value}\r\n`

const listOf = (first: string, second: string): string =>
  first === '' ? second : second === '' ? first : `${first}, ${second}`
