// What Connection and Upgrade of a message mean (RFC 9110 §7.6.1, §7.8): whether the connection persists, which fields
// end at this hop, and whether the message asks for another protocol. Envoy: envoy.md §2.1.

import { CONNECTION_NOMINATIONS } from '../../core/limits.ts'
import { isToken } from '../header-list.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import type { FieldSection } from './field-section.ts'

export interface ConnectionWishes {
  close: boolean
  keepAlive: boolean
  upgrade: boolean
  fault: HeadFault | undefined
}

/** Reads Connection and removes the fields it nominates. `isRequest`: nominating a field that matters is refused. */
export function readConnection(section: FieldSection, isRequest: boolean): ConnectionWishes {
  const wishes: ConnectionWishes = { close: false, keepAlive: false, upgrade: false, fault: undefined }
  const { connection } = section
  if (connection === undefined || isSingleWish(connection, wishes)) return wishes
  const nominated: string[] = []
  for (const part of connection.toLowerCase().split(',')) {
    const token = part.trim()
    if (isSingleWish(token, wishes) || token === '' || token === 'te' || token === 'http2-settings') continue
    nominated.push(token)
  }
  if (nominated.length > 0) wishes.fault = removeNominated(section, nominated, isRequest)
  return wishes
}

function isSingleWish(token: string, wishes: ConnectionWishes): boolean {
  if (token === 'keep-alive' || token === 'Keep-Alive') wishes.keepAlive = true
  else if (token === 'close') wishes.close = true
  else if (token === 'upgrade' || token === 'Upgrade') wishes.upgrade = true
  else return false
  return true
}

// Fields by which a request is framed, routed, authenticated or attributed. A client that nominates one of them would
// have a proxy on the way remove what an earlier one put there.
const KEPT = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'expect',
  'cache-control',
  'trailer',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'origin',
  'forwarded',
  'via',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'tracestate',
])
const KEPT_PREFIXES = ['x-forwarded-', 'x-envoy-', 'x-sluice-', 'sec-']

const isKept = (name: string): boolean => KEPT.has(name) || KEPT_PREFIXES.some((prefix) => name.startsWith(prefix))

function removeNominated(
  section: FieldSection,
  nominated: readonly string[],
  isRequest: boolean,
): HeadFault | undefined {
  if (nominated.length > CONNECTION_NOMINATIONS) return FAULT.nominations
  const { fields } = section
  let to = 0
  for (const name of nominated) if (isRequest && isKept(name)) return FAULT.nomination
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    if (nominated.includes(name) && !isKept(name)) continue
    fields[to++] = name
    fields[to++] = fields[i + 1] ?? ''
  }
  fields.length = to
  return undefined
}

/** The protocol a request asks for: the whole Upgrade value without ignored tokens, or undefined. */
export function upgradeWish(
  section: FieldSection,
  wishes: ConnectionWishes,
  ignore: (token: string) => boolean,
): string | undefined {
  const { upgrade } = section
  if (upgrade === undefined || upgrade === '' || !wishes.upgrade) return undefined
  // HTTP/2 is begun by ALPN or prior knowledge only (RFC 9113 §3.1 made the h2c upgrade obsolete).
  if (upgrade.length === 3 && upgrade.toLowerCase() === 'h2c') return undefined
  if (isToken(upgrade)) return ignore(upgrade) ? undefined : upgrade
  const wanted = upgrade
    .split(',')
    .map((token) => token.trim())
    .filter((token) => !ignore(token))
  return wanted.some((token) => token !== '') ? wantedValue(upgrade, wanted) : undefined
}

/** The value as it was sent when nothing was ignored: `foo, websocket` is one type. */
function wantedValue(upgrade: string, wanted: readonly string[]): string {
  return wanted.length === upgrade.split(',').length ? upgrade : wanted.join(', ')
}

/** Whether TE lists `trailers` (RFC 9110 §10.1.4), the only part of it that is passed on. */
export function wantsTrailers(te: string | undefined): boolean {
  if (te === undefined) return false
  if (te === 'trailers') return true
  return te
    .toLowerCase()
    .split(',')
    .some((part) => part.trim() === 'trailers')
}
