// The library: run a proxy inside a Node program. `sluice` the command is a thin layer over this.

import { systemClock } from './core/clock.ts'
import { diagnosticLine, type Diagnostic } from './config/diagnostics.ts'
import { loadConfig, type ConfigSources } from './proxy/load-config.ts'
import { Proxy } from './proxy/proxy.ts'
import { ApplicationLog, type LogLevel } from './observe/log.ts'

export { describeCause, type CloseCause } from './core/close-cause.ts'
export { ERRORS, type ErrorCode } from './core/errors.ts'
export { diagnosticLine, type Diagnostic } from './config/diagnostics.ts'
export type { Ledger, LedgerListener, TunnelEnd, TunnelEntry } from './observe/ledger/ledger.ts'
export type { LogLevel } from './observe/log.ts'
export type { StatRegistry } from './observe/stats/registry.ts'
export { version } from './proxy/version.ts'
export { Proxy } from './proxy/proxy.ts'

/** What `startProxy` takes: configuration files, or the text of one. */
export interface StartOptions {
  /** Files and folders in any dialect: Envoy bootstraps are merged in order, objects and manifests stand side by side. */
  readonly files?: readonly string[]
  /** Configuration as YAML; merged over the files, or beside them. */
  readonly yaml?: string
  /** Port in the configuration → port that is bound; 0 = any free one. */
  readonly portMap?: ReadonlyMap<number, number>
  /** Where the admin pages are when the configuration does not say. */
  readonly admin?: { readonly host: string; readonly port: number }
  /** One more access log, in the schema of Application Gateway for Containers. */
  readonly diagnosticLog?: string
  readonly allowUnknownStaticFields?: boolean
  /** `off` unless set: an embedded proxy is silent. */
  readonly logLevel?: LogLevel
}

/** Thrown when a configuration is refused; `diagnostics` says everything that is wrong with it. */
export class ConfigurationError extends Error {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    const [first] = diagnostics
    super(first === undefined ? 'configuration refused' : `configuration refused: ${diagnosticLine(first)}`)
    this.diagnostics = diagnostics
  }
}

/** Starts a proxy; resolves when it accepts connections. Throws ConfigurationError, or StartError for a port in use. */
export async function startProxy(options: StartOptions): Promise<Proxy> {
  const sources: ConfigSources = {
    configPath: options.files ?? [],
    configYaml: options.yaml,
    configYamlName: 'options.yaml',
    allowUnknownStaticFields: options.allowUnknownStaticFields ?? false,
    portMap: options.portMap,
    admin: options.admin,
    diagnosticLog: options.diagnosticLog,
  }
  const loaded = await loadConfig(sources)
  if (loaded.config === undefined) throw new ConfigurationError(loaded.diagnostics)
  const proxy = new Proxy(loaded.config, new ApplicationLog({ level: options.logLevel ?? 'off' }), {
    started_ms: systemClock.wallNow(),
  })
  try {
    await proxy.start()
  } catch (error) {
    await proxy.stop()
    throw error
  }
  return proxy
}
