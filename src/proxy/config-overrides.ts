// What the command line says over a configuration of any dialect: where the admin pages are, another port, one more log.

import type { LoadedConfig } from '../config/dialect.ts'
import type { Address } from '../config/model/address.ts'
import type { FilterChain, Listener } from '../config/model/listener.ts'
import { NOWHERE } from '../config/model/place.ts'
import type { AdminConfig, ProxyConfig } from '../config/model/proxy.ts'
import { agcAccessLog } from '../config/model/agc-access-log.ts'

export interface ConfigOverrides {
  /** Admin pages here when the configuration has none. */
  readonly admin?: { readonly host: string; readonly port: number } | undefined
  /** Port in the configuration → port that is bound. */
  readonly portMap?: ReadonlyMap<number, number> | undefined
  /** File that gets the diagnostic access log in Application Gateway for Containers' schema. */
  readonly diagnosticLog?: string | undefined
}

/** The configuration with what the command line says over it. */
export function applyOverrides(loaded: LoadedConfig, overrides: ConfigOverrides): LoadedConfig {
  const { config } = loaded
  if (config === undefined) return loaded
  const { portMap, diagnosticLog } = overrides
  let listeners = config.listeners
  // The dialects of objects map ports themselves: theirs also appear in redirects and statuses.
  if (portMap !== undefined && loaded.dialect === 'envoy') listeners = listeners.map((each) => onPorts(each, portMap))
  if (diagnosticLog !== undefined) listeners = listeners.map((each) => withDiagnosticLog(each, diagnosticLog))
  return { ...loaded, config: { ...config, listeners, admin: config.admin ?? adminAt(overrides.admin) } }
}

function adminAt(at: ConfigOverrides['admin']): AdminConfig | undefined {
  if (at === undefined) return undefined
  const place = { ...NOWHERE, file: '--admin' }
  return { address: { kind: 'socket', ...at, place }, accessLogs: [], allowPaths: [], place }
}

const onPorts = (listener: Listener, ports: ReadonlyMap<number, number>): Listener => ({
  ...listener,
  addresses: listener.addresses.map((address): Address => {
    return address.kind === 'socket' ? { ...address, port: ports.get(address.port) ?? address.port } : address
  }),
})

function withDiagnosticLog(listener: Listener, path: string): ProxyConfig['listeners'][number] {
  const log = agcAccessLog({ kind: 'file', path })
  const chain = (each: FilterChain): FilterChain =>
    each.filter?.kind === 'http-connection-manager'
      ? { ...each, filter: { ...each.filter, accessLogs: [...each.filter.accessLogs, log] } }
      : each
  const { defaultChain } = listener
  return {
    ...listener,
    chains: listener.chains.map(chain),
    defaultChain: defaultChain === undefined ? undefined : chain(defaultChain),
  }
}
