// What every request must satisfy before it is routed, whatever codec it came from (envoy.md §2.3), and the path
// normalisation that the connection manager may be asked for (RFC 3986 §6.2.2).

import type { ErrorCode } from '../core/errors.ts'
import type { RequestHead } from '../codec/http-stream.ts'
import type { HttpConnectionManager } from '../config/model/http-connection-manager.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'
import { asksForUdp, checkConnectUdp } from './connect-udp.ts'

export type CheckResult =
  | { readonly kind: 'ok' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly explanation: string }
  | { readonly kind: 'redirect'; readonly location: string; readonly status: number }

const OK: CheckResult = { kind: 'ok' }
const refused = (code: ErrorCode, explanation: string): CheckResult => ({ kind: 'refused', code, explanation })

// RFC 3986 §3.2: reg-name, IPv4 or [IPv6] with an optional port; no userinfo, no white space, no path.
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+(?:%25[0-9A-Za-z._~-]+)?\]|[0-9A-Za-z._~%!$&'()*+,;=-]+)(?::[0-9]{0,5})?$/

/** Most requests name the authority of the one before. */
let lastAuthority: string | undefined

function isAuthority(text: string): boolean {
  if (text === lastAuthority) return true
  if (!AUTHORITY.test(text)) return false
  lastAuthority = text
  return true
}

/**
 * Checks authority and path, strips ports and dots as configured, normalises the path. Edits `head`. `own` has the port the
 * client came to; `endStream`: nothing follows the head.
 */
export function checkRequest(
  head: RequestHead,
  config: HttpConnectionManager,
  own: StreamInfo,
  endStream: boolean,
): CheckResult {
  if (head.authority === '') return refused('missing_host_header', 'the request has no Host header')
  if (!isAuthority(head.authority))
    return refused('invalid_authority', 'the authority is not a host with an optional port')
  if (asksForUdp(head.tunnel)) return checkConnectUdp(head, endStream) ?? OK
  const connect = head.tunnel?.kind === 'connect'
  tidyAuthority(head, config, own)
  if (connect && head.path === '') return OK
  if (head.path === '') return refused('missing_path_rejected', 'the request has no path')
  if (head.path === '*' && head.method === 'OPTIONS') return OK
  if (head.path.charCodeAt(0) !== 0x2f) return refused('absolute_path_rejected', 'the path does not start with a slash')
  if (head.path.includes('#')) return refused('invalid_path', 'the path contains a fragment')
  return normalise(head, config)
}

function tidyAuthority(head: RequestHead, config: HttpConnectionManager, own: StreamInfo): void {
  if (config.stripTrailingHostDot) head.authority = head.authority.replace(/\.(?=(?::[0-9]*)?$)/, '')
  // The port of a CONNECT is part of its target.
  if (config.stripPort === 'no' || head.tunnel?.kind === 'connect') return
  const port = /:([0-9]+)$/.exec(head.authority)?.[1]
  if (port === undefined) return
  if (config.stripPort === 'any' || Number(port) === own.local.port)
    head.authority = head.authority.slice(0, -port.length - 1)
}

const NEEDS_NORMALISING = /%|\/\.|\/\/|\\/
const ESCAPED_SLASH = /%(?:2f|5c)/i

function normalise(head: RequestHead, config: HttpConnectionManager): CheckResult {
  if (!NEEDS_NORMALISING.test(head.path)) return OK
  const mark = head.path.indexOf('?')
  let path = mark < 0 ? head.path : head.path.slice(0, mark)
  const query = mark < 0 ? '' : head.path.slice(mark)
  let redirect = false
  if (config.escapedSlashes !== 'keep' && ESCAPED_SLASH.test(path)) {
    if (config.escapedSlashes === 'reject') return refused('path_normalization_failed', 'the path has an escaped slash')
    path = path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\')
    redirect = config.escapedSlashes === 'unescape-and-redirect'
  }
  if (config.normalizePath) {
    const resolved = removeDotSegments(path)
    if (resolved === undefined)
      return refused('path_normalization_failed', 'the path has a bad escape or climbs above its root')
    path = resolved
  }
  if (config.mergeSlashes) path = path.replace(/\/{2,}/g, '/')
  head.path = path + query
  return redirect ? { kind: 'redirect', location: head.path, status: 307 } : OK
}

/** RFC 3986 §5.2.4 and §6.2.2.2: dot segments resolved, escaped unreserved characters decoded, backslash as slash. */
function removeDotSegments(path: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})|%00/.test(path)) return undefined
  const decoded = path.replace(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16))
    return /[A-Za-z0-9._~-]/.test(char) ? char : escape.toUpperCase()
  })
  const output: string[] = []
  const segments = decoded.replaceAll('\\', '/').split('/')
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] ?? ''
    const last = i === segments.length - 1
    if (segment === '..') {
      if (output.length === 0) return undefined
      output.pop()
      if (last) output.push('')
    } else if (segment === '.') {
      if (last) output.push('')
    } else output.push(segment)
  }
  return `/${output.join('/')}`
}
