// A request head from the wire (RFC 9112 §3 to §6) brought to the internal form, or the reason why it is refused.

import type { HttpProtocol, RequestHead, TunnelIntent } from '../http-stream.ts'
import { mimicsConnect } from '../connect-target.ts'
import { HeaderList, isToken } from '../header-list.ts'
import { type BodyFraming, requestFraming } from './body-framing.ts'
import { isAuthority } from './characters.ts'
import { type ConnectionWishes, readConnection, upgradeWish, wantsTrailers } from './connection-fields.ts'
import { FieldSection } from './field-section.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import { latin1 } from './latin1.ts'
import { lineMarks } from './line-marks.ts'
import { isRegisteredMethod } from './methods.ts'
import type { Http1ServerOptions } from './options.ts'
import { parseRequestTarget, type RequestTarget } from './request-target.ts'

export interface ParsedRequest {
  readonly kind: 'request'
  readonly head: RequestHead
  readonly framing: BodyFraming
  /** Whether the client lets the connection persist (RFC 9112 §9.3). */
  readonly keepAlive: boolean
  readonly expectsContinue: boolean
}

export interface RefusedRequest {
  readonly kind: 'refused'
  readonly fault: HeadFault
  /** What could be read. */
  readonly head: Partial<RequestHead>
  /** The message is whole and its end certain, so the connection could stay. */
  readonly recoverable: boolean
}

/** Reads the head in `buffer[start, end)`, which has just passed a HeadScanner. */
export function parseRequestHead(
  buffer: Buffer,
  start: number,
  end: number,
  options: Http1ServerOptions,
): ParsedRequest | RefusedRequest {
  const text = latin1(buffer, start, end)
  const lineEnd = lineMarks.ends[0] ?? 0
  const methodEnd = text.indexOf(' ')
  const targetEnd = text.lastIndexOf(' ', lineEnd)
  if (methodEnd < 1 || methodEnd > lineEnd || targetEnd === methodEnd) return refused(FAULT.requestLine, {})
  const version = text.slice(targetEnd + 1, lineEnd)
  const method = text.slice(0, methodEnd)
  const rawTarget = text.slice(methodEnd + 1, targetEnd)
  const known: Partial<RequestHead> = { method, path: rawTarget }
  if (version !== 'HTTP/1.1') {
    const fault = versionFault(version, method, options.acceptHttp10)
    if (fault !== undefined) return refused(fault, isToken(method) ? known : {})
  }
  if (!isRegisteredMethod(method) && !(options.allowCustomMethods && isToken(method))) return refused(FAULT.method, {})
  // Deviation: RFC 9110 §9.1 would let it pass as a method of its own, for an origin to open a tunnel by mistake.
  if (mimicsConnect(method)) return refused(FAULT.method, known)
  const section = new FieldSection(options)
  const fieldFault = section.read(buffer, start, text, 1)
  if (fieldFault !== undefined && fieldFault !== FAULT.underscore) return refused(fieldFault, known)
  const target = parseRequestTarget(method, rawTarget, options.allowAbsoluteUrl)
  if (target.kind === 'invalid') return refused(target.fault, known)
  return assemble(method, version === 'HTTP/1.1' ? 'HTTP/1.1' : 'HTTP/1.0', target, section, fieldFault, options)
}

function versionFault(version: string, method: string, acceptHttp10: boolean): HeadFault | undefined {
  if (version === 'HTTP/1.0') return acceptHttp10 ? undefined : FAULT.http10
  return version === 'HTTP/2.0' && method === 'PRI' ? FAULT.http2Preface : FAULT.version
}

type ValidTarget = Exclude<RequestTarget, { kind: 'invalid' }>

function assemble(
  method: string,
  protocol: HttpProtocol,
  target: ValidTarget,
  section: FieldSection,
  policyFault: HeadFault | undefined,
  options: Http1ServerOptions,
): ParsedRequest | RefusedRequest {
  const isHttp10 = protocol === 'HTTP/1.0'
  const wishes = readConnection(section, true)
  // RFC 9110 §7.8: Upgrade in an HTTP/1.0 request must be ignored.
  const type = isHttp10 || target.kind === 'authority' ? undefined : upgradeWish(section, wishes, options.ignoreUpgrade)
  const tunnel = tunnelIntent(target, type)
  const head = requestHead(method, protocol, target, section, tunnel, options)
  const kind = tunnel === undefined ? 'plain' : tunnel.kind
  const framing = requestFraming(section, kind, isHttp10, options.allowChunkedLength)
  // What makes the message's end uncertain comes first; behind it only what the message says is in question.
  if (framing.kind === 'invalid') return refused(framing.fault, head)
  if (wishes.fault !== undefined) return refused(wishes.fault, head)
  const certainEnd = framing.kind === 'none' && !isHttp10 && !wishes.close
  const lastFault = hostFault(section, target, isHttp10) ?? policyFault
  if (lastFault === FAULT.underscore) options.stats.requests_rejected_with_underscores_in_headers++
  if (lastFault !== undefined) return refused(lastFault, head, certainEnd)
  completeFields(head.headers, section, framing, type)
  return {
    kind: 'request',
    head,
    framing,
    keepAlive: persists(isHttp10, wishes, section),
    expectsContinue: !isHttp10 && section.expect !== undefined && section.expect.toLowerCase() === '100-continue',
  }
}

const CONNECT: TunnelIntent = { kind: 'connect' }

function tunnelIntent(target: ValidTarget, type: string | undefined): TunnelIntent | undefined {
  if (target.kind === 'authority') return CONNECT
  return type === undefined ? undefined : { kind: 'upgrade', type }
}

function requestHead(
  method: string,
  protocol: HttpProtocol,
  target: ValidTarget,
  section: FieldSection,
  tunnel: TunnelIntent | undefined,
  options: Http1ServerOptions,
): RequestHead {
  const headers = new HeaderList(section.fields)
  const host = section.host ?? (protocol === 'HTTP/1.0' ? options.defaultHostForHttp10 : '')
  switch (target.kind) {
    case 'origin':
      return { method, scheme: options.scheme, authority: host, path: target.path, protocol, headers, tunnel }
    case 'absolute':
      // RFC 9112 §3.2.2: the target's authority replaces Host.
      return {
        method,
        scheme: target.scheme,
        authority: target.authority,
        path: target.path,
        protocol,
        headers,
        tunnel,
      }
    case 'authority':
      return { method, scheme: options.scheme, authority: target.authority, path: '', protocol, headers, tunnel }
  }
}

function hostFault(section: FieldSection, target: ValidTarget, isHttp10: boolean): HeadFault | undefined {
  const { host, hostLines } = section
  if (hostLines > 1) return FAULT.hostRepeated
  if (host === undefined) {
    // Deviation: RFC 9112 §3.2 asks for Host in CONNECT too, but real clients omit it and its target says the same.
    return isHttp10 || target.kind === 'authority' ? undefined : FAULT.hostMissing
  }
  // An empty Host is valid (RFC 9110 §7.2); the connection answers for want of an authority.
  return host === '' || isAuthority(host) ? undefined : FAULT.hostInvalid
}

function persists(isHttp10: boolean, wishes: ConnectionWishes, section: FieldSection): boolean {
  if (wishes.close) return false
  // RFC 9112 §6.1: after a message with both framings, though accepted, the connection must close.
  if (section.transferEncoding !== undefined && section.contentLength !== undefined) return false
  return !isHttp10 || wishes.keepAlive
}

/** Puts back, in their one clean form, the fields that the section set apart and that go on. */
function completeFields(
  headers: HeaderList,
  section: FieldSection,
  framing: BodyFraming,
  type: string | undefined,
): void {
  if (section.te !== undefined && wantsTrailers(section.te)) headers.add('te', 'trailers')
  if (section.expect !== undefined) headers.add('expect', section.expect)
  if (framing.kind === 'length') headers.add('content-length', String(framing.length))
  if (type === undefined) return
  if (section.contentLength !== undefined && section.transferEncoding === undefined) {
    headers.add('content-length', String(Number(section.contentLength)))
  }
  headers.add('upgrade', type)
  headers.add('connection', 'upgrade')
}

const refused = (fault: HeadFault, head: Partial<RequestHead>, recoverable = false): RefusedRequest => ({
  kind: 'refused',
  fault,
  head,
  recoverable,
})
