// Which host a request or a connection asks for, for clusters that dial what they are asked for: original-dst by header,
// and dynamic-forward-proxy.

import type { RequestHead } from '../codec/http-stream.ts'
import type { Cluster } from '../config/model/cluster.ts'
import { type HostText, readHost } from '../config/model/host-name.ts'
import type { StreamInfo } from '../transport/byte-stream.ts'

/** Filter state that names the host and port of a connection without HTTP. Envoy's keys. */
export const DYNAMIC_HOST = 'envoy.upstream.dynamic_host'
export const DYNAMIC_PORT = 'envoy.upstream.dynamic_port'

/**
 * What the request names, as `pick` takes it. Undefined for clusters that do not ask, and when the header is missing.
 * Ask before the head is rewritten for the upstream: the name that was looked up is the one that is dialled.
 */
export function targetFrom(cluster: Cluster, head: RequestHead): string | undefined {
  switch (cluster.discovery) {
    case 'original-dst': {
      const header = cluster.originalDestination?.headerName ?? ''
      if (header === '') return undefined
      return header === ':authority' || header === 'host' ? head.authority : head.headers.get(header)
    }
    case 'dynamic-forward-proxy':
      return head.authority === '' ? undefined : withPort(head.authority, defaultPort(cluster))
    case 'static':
    case 'strict-dns':
    case 'logical-dns':
      return undefined
  }
}

/**
 * What a connection without HTTP names: filter state, else its TLS server name (`serverName` when an inspector read it);
 * the port from filter state, else by the cluster's TLS.
 */
export function targetOfConnection(cluster: Cluster, info: StreamInfo, serverName: string): string | undefined {
  if (cluster.discovery !== 'dynamic-forward-proxy') return undefined
  const { state, tls } = info
  const host = state?.filterState.get(DYNAMIC_HOST) ?? (serverName === '' ? (tls?.serverName ?? '') : serverName)
  if (host === '') return undefined
  const bracketed = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `${bracketed}:${state?.filterState.get(DYNAMIC_PORT) ?? defaultPort(cluster)}`
}

/** A host and port to dial. */
export interface Target {
  readonly kind: 'target'
  readonly host: Exclude<HostText, { kind: 'invalid' }>
  readonly port: number
  /** `host:port`, IPv6 in brackets: one spelling per target. */
  readonly text: string
}

export interface NoTarget {
  readonly kind: 'invalid'
  /** Follows the text in a sentence. */
  readonly reason: string
}

/** Reads `host:port`, strictly: both must be there, IPv6 in brackets. */
export function readTarget(text: string): Target | NoTarget {
  const colon = text.lastIndexOf(':')
  if (colon < 0 || colon < text.lastIndexOf(']')) return invalid('has no port')
  const port = readPort(text.slice(colon + 1))
  if (port === undefined) return invalid('has a port that is not a number from 1 to 65535')
  const host = readHostPart(text.slice(0, colon))
  if (host.kind === 'invalid') return host
  const name = host.kind === 'name' ? host.name : host.ip
  return { kind: 'target', host, port, text: name.includes(':') ? `[${name}]:${port}` : `${name}:${port}` }
}

/** A literal address and port, as an original-dst header must have; undefined for anything else. */
export function readIpTarget(text: string): Target | undefined {
  const target = readTarget(text.trim())
  return target.kind === 'target' && target.host.kind === 'ip' ? target : undefined
}

/** The port of requests that name none. */
const defaultPort = (cluster: Cluster): number => (cluster.tls === undefined ? 80 : 443)

const invalid = (reason: string): NoTarget => ({ kind: 'invalid', reason })

/** `host` and `host:` have the default port (RFC 3986 §3.2.3). */
function withPort(authority: string, port: number): string {
  const colon = authority.lastIndexOf(':')
  if (colon < 0 || colon < authority.lastIndexOf(']')) return `${authority}:${port}`
  return colon === authority.length - 1 ? `${authority}${port}` : authority
}

function readPort(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
  return port > 0 && port <= 65535 ? port : undefined
}

function readHostPart(text: string): HostText {
  if (text.startsWith('[') && text.endsWith(']')) {
    const host = readHost(text.slice(1, -1))
    const inBrackets = text.slice(1, -1).includes(':') && host.kind === 'ip'
    return inBrackets || host.kind === 'invalid' ? host : invalid('has brackets around what is no IPv6 address')
  }
  return text.includes(':') ? invalid('has an IPv6 address without brackets, or two ports') : readHost(text)
}
