// A response head from the wire (RFC 9112 §4 to §6) brought to the internal form, or what is wrong with it. What a
// confused or hostile origin could use to have its bytes read as another response is refused.

import { HeaderList } from '../header-list.ts'
import type { ResponseHead, TunnelIntent } from '../http-stream.ts'
import { type AskedFor, bodilessFraming, type BodyFraming, responseFraming, TUNNEL } from './body-framing.ts'
import { type ConnectionWishes, readConnection } from './connection-fields.ts'
import { FieldSection } from './field-section.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import { latin1 } from './latin1.ts'
import { lineMarks } from './line-marks.ts'
import type { HeadOptions } from './options.ts'

export interface ParsedResponse {
  readonly kind: 'response'
  readonly head: ResponseHead
  readonly framing: BodyFraming
  /** Whether the origin lets the connection persist (RFC 9112 §9.3). */
  readonly keepAlive: boolean
}

export interface BrokenResponse {
  readonly kind: 'broken'
  readonly fault: HeadFault
}

/** What the request was, as far as its answer is read differently for it. */
export interface Asked extends AskedFor {
  readonly tunnel: TunnelIntent | undefined
}

/** Reads the head in `buffer[start, end)`, which has just passed a HeadScanner. */
export function parseResponseHead(
  buffer: Buffer,
  start: number,
  end: number,
  asked: Asked,
  options: HeadOptions,
): ParsedResponse | BrokenResponse {
  if (lineMarks.count === 0) return broken(FAULT.statusLine)
  const text = latin1(buffer, start, end)
  const lineEnd = lineMarks.ends[0] ?? 0
  const isHttp10 = text.startsWith('HTTP/1.0')
  if ((!isHttp10 && !text.startsWith('HTTP/1.1')) || text.charCodeAt(8) !== 0x20) return broken(FAULT.statusLine)
  // The space before an empty reason is often forgotten, and nothing hangs on it.
  if (lineEnd < 12 || (lineEnd > 12 && text.charCodeAt(12) !== 0x20)) return broken(FAULT.statusLine)
  const status = parseStatus(text)
  if (status === 0) return broken(FAULT.status)
  const section = new FieldSection(options)
  const fault = section.read(buffer, start, text, 1)
  if (fault !== undefined) return broken(fault)
  const wishes = readConnection(section, false)
  if (wishes.fault !== undefined) return broken(wishes.fault)
  const framing = framingOf(section, status, asked, wishes, isHttp10, options)
  if (framing.kind === 'invalid') return broken(framing.fault)
  return {
    kind: 'response',
    head: { status, reason: text.slice(13, lineEnd), headers: headersOf(section, status, asked, wishes, framing) },
    framing,
    keepAlive: persists(section, isHttp10, wishes),
  }
}

/** Three digits from 100 (RFC 9110 §15); 0 when they are not. Some origins use numbers above 599. */
function parseStatus(text: string): number {
  let status = 0
  for (let i = 9; i < 12; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return 0
    status = status * 10 + digit
  }
  return status >= 100 ? status : 0
}

function framingOf(
  section: FieldSection,
  status: number,
  asked: Asked,
  wishes: ConnectionWishes,
  isHttp10: boolean,
  options: HeadOptions,
): BodyFraming {
  if (status !== 101) return responseFraming(section, status, asked, isHttp10, options.allowChunkedLength)
  const fault = switchFault(section, asked, wishes)
  if (fault !== undefined) return { kind: 'invalid', fault }
  const framing = bodilessFraming(section)
  return framing.kind === 'none' ? TUNNEL : framing
}

// RFC 9110 §7.8 and §15.2.2: 101 switches to what was asked for and names it. Deviation from Envoy, which passes a 101
// without the fields on and ends the stream: nothing reaches the client before the agreement is verified.
function switchFault(section: FieldSection, asked: Asked, wishes: ConnectionWishes): HeadFault | undefined {
  if (asked.tunnel?.kind !== 'upgrade') return FAULT.switchUnasked
  const { upgrade } = section
  if (upgrade === undefined || upgrade === '' || !wishes.upgrade) return FAULT.switchWithoutUpgrade
  return wasOffered(upgrade.toLowerCase(), asked.tunnel.type.toLowerCase()) ? undefined : FAULT.switchToOther
}

const wasOffered = (chosen: string, offered: string): boolean =>
  chosen === offered || offered.split(',').some((part) => part.trim() === chosen)

function persists(section: FieldSection, isHttp10: boolean, wishes: ConnectionWishes): boolean {
  if (wishes.close) return false
  if (section.transferEncoding !== undefined && section.contentLength !== undefined) return false
  return !isHttp10 || wishes.keepAlive
}

/** Puts back, in their one clean form, the fields that the section set apart and that go on. */
function headersOf(
  section: FieldSection,
  status: number,
  asked: Asked,
  wishes: ConnectionWishes,
  framing: BodyFraming,
): HeaderList {
  const headers = new HeaderList(section.fields)
  if (framing.kind === 'length') headers.add('content-length', String(framing.length))
  else if (describesBody(section, status, asked)) headers.add('content-length', String(Number(section.contentLength)))
  // Upgrade in another answer only advertises (RFC 9110 §7.8); it means something to those who asked for an upgrade.
  if (section.upgrade !== undefined && wishes.upgrade && asked.tunnel?.kind === 'upgrade') {
    headers.add('upgrade', section.upgrade)
    headers.add('connection', 'upgrade')
  }
  return headers
}

/** Whether Content-Length tells of a body that is not sent: answers to HEAD, and 304 (RFC 9110 §8.6). */
const describesBody = (section: FieldSection, status: number, asked: Asked): boolean =>
  section.contentLength !== undefined &&
  section.transferEncoding === undefined &&
  ((asked.isHead && status >= 200 && status !== 204) || status === 304)

const broken = (fault: HeadFault): BrokenResponse => ({ kind: 'broken', fault })
