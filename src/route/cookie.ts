// Cookies that the proxy reads and sets itself: those of hash policies and of endpoint affinity (RFC 6265).

import type { HeaderList } from '../codec/header-list.ts'
import type { CookieAttributes } from '../config/model/hash-policy.ts'

/** The value of the first cookie of that name, without the quotes around it; undefined when it is not there or empty. */
export function cookieValue(headers: HeaderList, name: string): string | undefined {
  const { fields } = headers
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'cookie') continue
    const value = valueIn(fields[i + 1] ?? '', name)
    if (value !== undefined && value !== '') return value
  }
  return undefined
}

/** Looks at every character once or twice, whoever wrote the field: a head may be a megabyte of semicolons. */
function valueIn(cookies: string, name: string): string | undefined {
  for (let at = 0; at < cookies.length;) {
    const semicolon = cookies.indexOf(';', at)
    const end = semicolon < 0 ? cookies.length : semicolon
    const value = valueOf(cookies.slice(at, end), name)
    if (value !== undefined) return value
    at = end + 1
  }
  return undefined
}

function valueOf(pair: string, name: string): string | undefined {
  const equals = pair.indexOf('=')
  return equals >= 0 && pair.slice(0, equals).trim() === name ? unquoted(pair.slice(equals + 1).trim()) : undefined
}

const unquoted = (value: string): string =>
  value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value

/** The name of the cookie that a Set-Cookie field sets; '' when it sets none. */
export function nameOfSetCookie(field: string): string {
  const equals = field.indexOf('=')
  return equals < 0 ? '' : field.slice(0, equals).trim()
}

/** A Set-Cookie field. `ttlMs`: its life; 0 = until the browser is closed. */
export function setCookie(name: string, value: string, ttlMs: number, attributes: CookieAttributes): string {
  const { path, secure, httpOnly, sameSite } = attributes
  const parts = [`${name}=${value}`]
  if (ttlMs > 0) parts.push(`Max-Age=${Math.ceil(ttlMs / 1000)}`)
  if (path !== '') parts.push(`Path=${path}`)
  if (secure) parts.push('Secure')
  if (sameSite !== '') parts.push(`SameSite=${sameSite}`)
  if (httpOnly) parts.push('HttpOnly')
  return parts.join('; ')
}
