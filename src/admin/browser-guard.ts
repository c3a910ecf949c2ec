// Keeps web pages from driving the admin interface through a visitor's browser. Programs send neither Origin nor
// Sec-Fetch-Site and pass; a browser may change things only from the admin page itself, opened by address or localhost:
// under DNS rebinding a foreign page has the same origin as its Host, but that Host is a name (Fetch §3.2, §3.3).

import { isIP } from 'node:net'

export interface BrowserHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly secFetchSite: string | undefined
}

/** Why a mutating request is refused; undefined when it may pass. */
export function browserRefusal({ host = '', origin, secFetchSite }: BrowserHeaders): string | undefined {
  if (secFetchSite !== undefined && secFetchSite !== 'same-origin' && secFetchSite !== 'none') {
    return 'Requests from other web pages cannot change anything here.'
  }
  if (origin === undefined) return undefined
  if (hostOf(origin) !== host.toLowerCase()) return 'Requests from other web pages cannot change anything here.'
  if (isOwnName(nameOf(host))) return undefined
  return 'From a browser, open this page by IP address or localhost to change anything.'
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host
}

/** The host without port and brackets. */
const nameOf = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')

const isOwnName = (name: string): boolean => isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')
