// The user and password of an Authorization field with the Basic scheme (RFC 7617 §2).

import type { HeaderList } from '../../../codec/header-list.ts'

export interface BasicCredentials {
  readonly user: string
  /** Secret. */
  readonly password: string
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i

/** undefined when there is no such field, more than one, or it cannot be read. */
export function basicCredentials(headers: HeaderList): BasicCredentials | undefined {
  const fields = headers.values('authorization')
  const encoded = fields.length === 1 ? BASIC.exec(fields[0] ?? '')?.[1] : undefined
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
