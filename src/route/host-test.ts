// Host matches of a route: the authority without its port, in lower case. Easegress: host, hosts, hostRegexp of a rule.

import type { HostMatch } from '../config/model/route.ts'
import { hostOf } from './authority.ts'

/** Tells whether an authority, as sent, is one of the hosts. */
export function compileHosts(hosts: readonly HostMatch[]): (authority: string) => boolean {
  const tests = hosts.map(compileHost)
  return (authority) => {
    const host = hostOf(authority).toLowerCase()
    return tests.some((test) => test(host))
  }
}

function compileHost(match: HostMatch): (host: string) => boolean {
  switch (match.kind) {
    case 'exact':
      return (host) => host === match.value
    case 'suffix':
      return (host) => host.endsWith(match.value)
    case 'prefix':
      return (host) => host.startsWith(match.value)
    case 'regex':
      return (host) => match.regex.test(host)
  }
}
