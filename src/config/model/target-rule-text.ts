// Allow rules of a target policy as people write them: `host:port`, `*.suffix:443`, `10.0.0.0/8`, `[::1]:22`,
// `host:8000-8100`, `host:80,443`, `*:443`. Used by the Envoy dialect and by `sluice proxy --allow`.

import { isIP, isIPv6 } from 'node:net'
import { plainIp, readHost } from './host-name.ts'
import type { TargetRule } from './target-policy.ts'

export type ReadTargetRule =
  | { readonly kind: 'rule'; readonly rule: TargetRule }
  /** A whole sentence without the full stop. */
  | { readonly kind: 'invalid'; readonly message: string }

/** Reads one rule. Without ports it holds for all of them. */
export function readTargetRule(text: string): ReadTargetRule {
  const quoted = JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
  const parts = split(text)
  if (typeof parts === 'string') return { kind: 'invalid', message: `the rule ${quoted} ${parts}` }
  const ports = readPorts(parts.ports)
  if (typeof ports === 'string') return { kind: 'invalid', message: `the rule ${quoted} ${ports}` }
  const target = readTarget(parts.host, parts.prefix)
  if (typeof target === 'string') return { kind: 'invalid', message: `the rule ${quoted} ${target}` }
  return { kind: 'rule', rule: { ...target, ports } }
}

/** Characters of a bad rule that its error shows. */
const SHOWN = 80
/** Ranges of ports in one rule. */
const MAX_PORT_RANGES = 64

interface Parts {
  readonly host: string
  /** After the slash; undefined without one. */
  readonly prefix: string | undefined
  /** After the colon; undefined without one. */
  readonly ports: string | undefined
}

function split(text: string): Parts | string {
  if (text === '') return 'is empty; write host:port, *.suffix:port or network/bits'
  if (/\s/.test(text)) return 'has a blank; write one rule at a time'
  if (text.includes('://')) return 'has a scheme; write host:port only'
  if (text.startsWith('[')) return splitBrackets(text)
  if (isIPv6(text)) return { host: text, prefix: undefined, ports: undefined }
  const slash = text.indexOf('/')
  const tail = slash < 0 ? text : text.slice(slash + 1)
  const colon = tail.indexOf(':')
  const ports = colon < 0 ? undefined : tail.slice(colon + 1)
  const rest = colon < 0 ? tail : tail.slice(0, colon)
  if (slash >= 0) return { host: text.slice(0, slash), prefix: rest, ports }
  if (ports?.includes(':') === true) return 'has several colons; an IPv6 address with a port is written [address]:port'
  return { host: rest, prefix: undefined, ports }
}

function splitBrackets(text: string): Parts | string {
  const match = /^\[([^\]]*)\](?:\/([^:]*))?(?::(.*))?$/.exec(text)
  if (match === null) return 'has brackets that do not match; write [address]:port'
  const [, inside = '', outside, ports] = match
  const slash = inside.indexOf('/')
  const host = slash < 0 ? inside : inside.slice(0, slash)
  if (!isIPv6(host)) return 'has brackets around what is no IPv6 address'
  return { host, prefix: slash < 0 ? outside : inside.slice(slash + 1), ports }
}

type Target = Pick<TargetRule, 'host' | 'range'>

function readTarget(host: string, prefix: string | undefined): Target | string {
  if (host === '') return 'names no host; * stands for every host'
  if (prefix !== undefined) return readNetwork(host, prefix)
  if (host === '*') return { host, range: undefined }
  const wild = host.startsWith('*.')
  const read = readHost(wild ? host.slice(2) : host)
  if (read.kind === 'invalid') {
    if (host.includes('*')) return 'has a * that is not the first label; write *.suffix or *'
    return `names a host that ${read.reason}`
  }
  if (read.kind === 'name') return { host: wild ? `*.${read.name}` : read.name, range: undefined }
  if (wild) return 'has *. before an IP address; write network/bits'
  return { host: undefined, range: { address: read.ip, prefixLength: read.ip.includes(':') ? 128 : 32 } }
}

function readNetwork(address: string, prefix: string): Target | string {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return 'has a / behind what is no IP address'
  const most = family === 4 ? 32 : 128
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity
  if (bits > most) return `has a prefix that is not a number from 0 to ${most}`
  const ip = plainIp(address)
  // An IPv4-mapped network is the IPv4 network it stands for.
  if (family === 6 && !ip.includes(':') && bits >= 96)
    return { host: undefined, range: { address: ip, prefixLength: bits - 96 } }
  return { host: undefined, range: { address: family === 6 ? address.toLowerCase() : ip, prefixLength: bits } }
}

function readPorts(text: string | undefined): TargetRule['ports'] | string {
  if (text === undefined || text === '*') return undefined
  if (text === '') return 'ends in a colon; write a port behind it, or leave the colon out for every port'
  const list = text.split(',')
  if (list.length > MAX_PORT_RANGES) return `has more than ${MAX_PORT_RANGES} ports`
  const ports: { from: number; to: number }[] = []
  for (const item of list) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item)
    const from = Number(match?.[1])
    const to = Number(match?.[2] ?? match?.[1])
    if (match === null || from < 1 || to > 65535 || from > to)
      return `has ${JSON.stringify(item)} where a port from 1 to 65535, or a range such as 8000-8100, belongs`
    ports.push({ from, to })
  }
  return ports
}

/** The rule as it is written; {@link readTargetRule} reads it back. */
export function targetRuleText({ host, range, ports }: TargetRule): string {
  const target = range === undefined ? (host ?? '*') : `${range.address}/${range.prefixLength}`
  if (ports === undefined) return target
  const list = ports.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',')
  return `${target.includes(':') ? `[${target}]` : target}:${list}`
}
