// The `url` of a server: which address it names, whether by TLS, and what else it says.

import { isIP } from 'node:net'

export interface ServerUrl {
  readonly kind: 'url'
  /** Without brackets. */
  readonly host: string
  readonly port: number
  readonly secure: boolean
  /** Host and port as written, for the Host header. */
  readonly authority: string
  /** The host is an IP address. */
  readonly ip: boolean
  /** Path and query as written; '' when there are none. */
  readonly target: string
}

export type ReadServerUrl = ServerUrl | { readonly kind: 'invalid'; readonly message: string; readonly hint?: string }

const URL_TEXT = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^#]*)(?:#.*)?$/
const AUTHORITY = /^(?:\[([^\]]+)\]|([^:@\s]+))(?::(\d{1,5}))?$/

/** Reads it; `schemes` are those that the proxy can speak. */
export function readServerUrl(text: string, schemes: readonly string[]): ReadServerUrl {
  const [, scheme = '', authority = '', target = ''] = URL_TEXT.exec(text) ?? []
  if (scheme === '') return invalid('is no URL', 'such as ws://10.0.0.1:8080')
  if (!schemes.includes(scheme.toLowerCase()))
    return invalid(`the scheme "${scheme}" cannot be spoken to`, `one of ${schemes.join(', ')}`)
  const match = AUTHORITY.exec(authority)
  const host = match?.[1] ?? match?.[2] ?? ''
  if (match === null || host === '') return invalid('names no host that can be dialled', 'host:port, or [address]:port')
  const secure = /^(?:wss|https)$/i.test(scheme)
  const port = match[3] === undefined ? (secure ? 443 : 80) : Number(match[3])
  if (port < 1 || port > 65535) return invalid(`the port ${port} is not from 1 to 65535`)
  return { kind: 'url', host, port, secure, authority, ip: isIP(host) !== 0, target }
}

const invalid = (message: string, hint?: string): ReadServerUrl =>
  hint === undefined ? { kind: 'invalid', message } : { kind: 'invalid', message, hint }
