// Says why no virtual host took an authority, and which listed domain came near. Runs only for requests that get a 404.

import { hostOf } from './authority.ts'
import type { CompiledRouteTable } from './compiled-table.ts'
import { bounded, listed, quoted } from './explanation-text.ts'

/** One or two sentences for the operator. */
export function explainMissingVirtualHost(compiled: CompiledRouteTable, authority: string): string {
  const { table, index } = compiled
  const tableName = table.name === '' ? 'the route configuration' : `route configuration ${quoted(table.name)}`
  if (authority === '') return bounded(`the request names no host, and ${tableName} has no virtual host for "*"`)
  const hint = nearMiss(compiled, authority.toLowerCase()) ?? `it lists ${listed(index.domains, quoted)}`
  return bounded(`no virtual host of ${tableName} lists domain ${quoted(authority)}: ${hint}`)
}

function nearMiss(compiled: CompiledRouteTable, authority: string): string | undefined {
  return (
    portMatters(compiled, authority) ??
    portMissing(compiled, authority) ??
    dotMatters(compiled, authority) ??
    nothingBeforeWildcard(compiled, authority)
  )
}

function portMatters({ index, table }: CompiledRouteTable, authority: string): string | undefined {
  const host = hostOf(authority)
  if (table.ignorePortInHostMatching || host === authority) return undefined
  const found = index.find(host)?.virtualHost
  if (found === undefined) return undefined
  const remedy = 'list it with the port, or see ignore_port_in_host_matching and strip_matching_host_port'
  return `${quoted(host)} is listed (virtual host ${quoted(found.name)}), but the port counts; ${remedy}`
}

function portMissing({ index, table }: CompiledRouteTable, authority: string): string | undefined {
  const host = hostOf(authority)
  const listedWithPort = index.domainWithPort(host)
  if (listedWithPort === undefined) return undefined
  if (table.ignorePortInHostMatching) {
    return `${quoted(listedWithPort)} is listed, but with ignore_port_in_host_matching a domain with a port never matches`
  }
  return `${quoted(listedWithPort)} is listed, and the port counts`
}

function dotMatters({ index }: CompiledRouteTable, authority: string): string | undefined {
  const host = hostOf(authority)
  if (!host.endsWith('.')) return undefined
  const bare = host.slice(0, -1) + authority.slice(host.length)
  const found = index.find(bare)?.virtualHost
  if (found === undefined) return undefined
  return `${quoted(bare)} is (virtual host ${quoted(found.name)}); see strip_trailing_host_dot`
}

function nothingBeforeWildcard({ index }: CompiledRouteTable, authority: string): string | undefined {
  // Only that wildcard can match a name made by putting one letter before the dot and nothing else did.
  if (index.find(`.${authority}`) !== undefined || index.find(`x.${authority}`) === undefined) return undefined
  return `${quoted(`*.${authority}`)} is listed, but needs a label before the dot`
}
