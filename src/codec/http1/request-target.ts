// The four forms of a request target (RFC 9112 §3.2) brought to scheme, authority and path.

import { REQUEST_TARGET_BYTES } from '../../core/limits.ts'
import { isConnectTarget } from '../connect-target.ts'
import { isAuthority, isTargetText } from './characters.ts'
import { FAULT, type HeadFault } from './head-fault.ts'

export type RequestTarget =
  | { readonly kind: 'origin'; readonly path: string }
  | { readonly kind: 'absolute'; readonly scheme: 'http' | 'https'; readonly authority: string; readonly path: string }
  | { readonly kind: 'authority'; readonly authority: string }
  | { readonly kind: 'invalid'; readonly fault: HeadFault }

const SLASH = 0x2f

/** Reads `target` of a request with `method`. */
export function parseRequestTarget(method: string, target: string, allowAbsoluteUrl: boolean): RequestTarget {
  if (target.length > REQUEST_TARGET_BYTES) return invalid(FAULT.targetTooLong)
  if (target === '' || !isTargetText(target)) return invalid(FAULT.target)
  if (method === 'CONNECT') return authorityForm(target)
  if (target.charCodeAt(0) === SLASH) return { kind: 'origin', path: target }
  if (target === '*') return method === 'OPTIONS' ? { kind: 'origin', path: '*' } : invalid(FAULT.target)
  return absoluteForm(method, target, allowAbsoluteUrl)
}

// RFC 9110 §9.3.6: host and port, both; an empty or impossible port must be refused.
const authorityForm = (target: string): RequestTarget =>
  isConnectTarget(target) ? { kind: 'authority', authority: target } : invalid(FAULT.connectTarget)

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//

function absoluteForm(method: string, target: string, allowed: boolean): RequestTarget {
  const match = SCHEME.exec(target)
  if (match === null) return invalid(FAULT.target)
  const scheme = (match[1] ?? '').toLowerCase()
  if (scheme !== 'http' && scheme !== 'https') return invalid(FAULT.scheme)
  if (!allowed) return invalid(FAULT.absoluteForm)
  const start = match[0].length
  let end = start
  while (end < target.length && !endsAuthority(target.charCodeAt(end))) end++
  const authority = target.slice(start, end)
  if (!isAuthority(authority)) return invalid(FAULT.target)
  return { kind: 'absolute', scheme, authority, path: pathOf(method, target.slice(end)) }
}

/** `/`, `?` and `#` end an authority (RFC 3986 §3.2). */
const endsAuthority = (code: number): boolean => code === SLASH || code === 0x3f || code === 0x23

function pathOf(method: string, rest: string): string {
  // RFC 9112 §3.2.4: OPTIONS on an absolute URI without a path means the server as a whole.
  if (rest === '') return method === 'OPTIONS' ? '*' : '/'
  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`
}

const invalid = (fault: HeadFault): RequestTarget => ({ kind: 'invalid', fault })
