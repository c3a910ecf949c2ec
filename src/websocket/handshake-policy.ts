// Judges an opening handshake by a route's WebSocket policy: RFC 6455 §4.2.1 for HTTP/1.1 and RFC 8441 §5 for an extended
// CONNECT, then its Origin. The order and the statuses are Easegress's (easegress.md §5.1, §5.3).

import { placeHint } from '../config/model/place.ts'
import type { WebSocketPolicy } from '../config/model/websocket-policy.ts'
import { isKey } from './handshake.ts'
import { matchesGlob } from './origin-glob.ts'

/** What is read of a request head. */
export interface HandshakeHead {
  readonly method: string
  readonly authority: string
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2' | 'HTTP/3'
  readonly tunnel: { readonly kind: 'upgrade'; readonly type: string } | { readonly kind: 'connect' } | undefined
  readonly headers: { values(name: string): string[]; getAll(name: string): string | undefined }
}

/** The answer to a handshake that is not taken. */
export interface HandshakeRefusal {
  readonly code: 'websocket_bad_handshake' | 'websocket_origin_refused'
  readonly status: 426 | 405 | 400 | 403
  readonly explanation: string
  readonly headers: readonly (readonly [string, string])[]
}

/** Why the handshake is refused; undefined when it is good. Ask before the head is rewritten for the upstream. */
export function judgeHandshake(head: HandshakeHead, policy: WebSocketPolicy): HandshakeRefusal | undefined {
  const fault = policy.required ? judgeForm(head) : undefined
  if (fault !== undefined) return fault
  return policy.origin === undefined ? undefined : judgeOrigin(head, policy.origin.patterns, policy)
}

function judgeForm(head: HandshakeHead): HandshakeRefusal | undefined {
  const { method, protocol, tunnel, headers } = head
  const old = protocol === 'HTTP/1.0' || protocol === 'HTTP/1.1'
  if (protocol === 'HTTP/1.0') return bad(426, 'a WebSocket needs HTTP/1.1 or later')
  if (tunnel?.kind !== 'upgrade' || !isWebSocket(tunnel.type))
    return bad(
      426,
      old
        ? 'only WebSockets are served here: the request needs "Connection: Upgrade" and "Upgrade: websocket"'
        : 'only WebSockets are served here: the request must be a CONNECT with ":protocol" websocket (RFC 8441)',
      [['upgrade', 'websocket']],
    )
  if (method !== 'GET') return bad(405, `a WebSocket is opened with GET, not ${method}`, [['allow', 'GET']])
  const version = headers.getAll('sec-websocket-version')
  if (version !== '13')
    return bad(400, `Sec-WebSocket-Version is ${version === undefined ? 'missing' : 'not 13'}`, [
      ['sec-websocket-version', '13'],
    ])
  return old ? judgeKey(headers.values('sec-websocket-key')) : undefined
}

/** RFC 6455 §4.1; an extended CONNECT has none. */
function judgeKey(keys: readonly string[]): HandshakeRefusal | undefined {
  const [key] = keys
  if (key === undefined) return bad(400, 'Sec-WebSocket-Key is missing')
  if (keys.length > 1) return bad(400, 'Sec-WebSocket-Key is given more than once')
  return isKey(key) ? undefined : bad(400, 'Sec-WebSocket-Key is not the base64 of 16 bytes')
}

/** Requests without Origin do not come from a web page (RFC 6455 §10.2). */
function judgeOrigin(
  { authority, headers }: HandshakeHead,
  patterns: readonly string[],
  { place }: WebSocketPolicy,
): HandshakeRefusal | undefined {
  const origins = headers.values('origin')
  if (origins.length === 0) return undefined
  const host = origins.length === 1 ? originHost(origins[0] ?? '') : undefined
  if (host !== undefined && host === authority.toLowerCase()) return undefined
  if (host !== undefined && patterns.some((pattern) => matchesGlob(pattern.toLowerCase(), host))) return undefined
  const explanation =
    `pages of this Origin may not open WebSockets here: its host is not the request's own, and no origin pattern ` +
    `(${placeHint(place)}) matches it`
  return { code: 'websocket_origin_refused', status: 403, explanation, headers: [] }
}

/**
 * `host:port` of an origin, lower case; '' of an opaque one (`null`); undefined when it is none (RFC 6454 §7). A user part
 * is no part of an origin, and would make `http://good@evil` look like either.
 */
function originHost(origin: string): string | undefined {
  if (origin === 'null') return ''
  const colon = origin.indexOf('://')
  if (colon <= 0 || !/^[A-Za-z][A-Za-z0-9+.-]*$/.test(origin.slice(0, colon))) return undefined
  const rest = origin.slice(colon + 3)
  const end = rest.search(/[/?#]/)
  const host = end < 0 ? rest : rest.slice(0, end)
  return host !== '' && /^[A-Za-z0-9.:[\]_~%-]+$/.test(host) ? host.toLowerCase() : undefined
}

const isWebSocket = (type: string): boolean => type.toLowerCase() === 'websocket'

const bad = (
  status: 426 | 405 | 400,
  explanation: string,
  headers: readonly (readonly [string, string])[] = [],
): HandshakeRefusal => ({ code: 'websocket_bad_handshake', status, explanation, headers })
