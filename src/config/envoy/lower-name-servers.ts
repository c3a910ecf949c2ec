// Which name servers are asked. Envoy: typed_dns_resolver_config with CaresDnsResolverConfig or GetAddrInfoDnsResolverConfig.

import { isMessage } from '@bufbuild/protobuf'
import { isIPv6 } from 'node:net'
import type { NameServers } from '../model/name-servers.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerIpAddress } from './lower-address.ts'
import { each } from './lower-each.ts'
import {
  type Address,
  type CaresDnsResolverConfig,
  CaresDnsResolverConfigSchema,
  GetAddrInfoDnsResolverConfigSchema,
  type TypedExtensionConfig,
} from './messages.ts'

const DNS_PORT = 53

/** Nothing at all = the machine's resolver. */
export function lowerNameServers(
  loading: Loading,
  message: TypedExtensionConfig | undefined,
  spot: Spot,
): { readonly nameServers?: NameServers } {
  const config = loading.unpack(message?.typedConfig)
  // The system's own look-up is what names are asked for when nothing is said.
  if (message === undefined || isMessage(config, GetAddrInfoDnsResolverConfigSchema)) return {}
  const at = spot.field('typed_config')
  if (isMessage(config, CaresDnsResolverConfigSchema)) return lowerCares(loading, config, at)
  loading.error(at, 'is no DNS resolver', `"@type": type.googleapis.com/${CaresDnsResolverConfigSchema.typeName}`)
  return {}
}

function lowerCares(
  loading: Loading,
  { resolvers, queryTimeoutSeconds, queryTries }: CaresDnsResolverConfig,
  spot: Spot,
): { readonly nameServers?: NameServers } {
  const servers = each(resolvers, spot.field('resolvers'), (address, at) => serverText(loading, address, at))
  if (servers.length === 0 && queryTimeoutSeconds === undefined && queryTries === undefined) return {}
  return {
    nameServers: {
      servers,
      queryTimeoutMs: queryTimeoutSeconds === undefined ? undefined : Number(queryTimeoutSeconds) * 1000,
      tries: queryTries,
    },
  }
}

function serverText(loading: Loading, message: Address, spot: Spot): string {
  const address = lowerIpAddress(loading, message, spot, 'a name server is given by its IP address')
  if (address?.kind === 'socket')
    return `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port === 0 ? DNS_PORT : address.port}`
  loading.error(spot, 'a name server needs a socket_address')
  return ''
}
