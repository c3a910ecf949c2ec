// Runs a loaded configuration until a signal: admin, live lines, drain at SIGTERM, exit.

import { writeFileSync } from 'node:fs'
import { EXIT } from './exit-codes.ts'
import type { ServerOptions } from './server-options.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { failureDigest, type FailureLine } from '../observe/ledger/failure-digest.ts'
import { liveLine } from '../observe/ledger/live-line.ts'
import { ApplicationLog, type ComponentLog } from '../observe/log.ts'
import { addressText } from '../config/model/address.ts'
import { Proxy } from '../proxy/proxy.ts'
import { Fleet } from '../proxy/workers/fleet.ts'
import { isWorker, runWorker } from '../proxy/workers/worker.ts'
import { systemReason } from '../server/start-error.ts'

/** At which level every tunnel has its two lines: a gateway with ten thousand of them wants to be asked first. */
export type TunnelLines = 'info' | 'debug'

/** Resolves with the exit code when the proxy has stopped. */
export async function serve(
  config: ProxyConfig,
  options: ServerOptions,
  tunnelLines: TunnelLines = 'debug',
): Promise<number> {
  const { logPath } = options
  const color = logPath === undefined && process.stderr.isTTY
  const log = openLog(options, color)
  if (log === undefined) return EXIT.refused
  // A fault of ours must not take every tunnel with it: it is told loudly and the process goes on.
  process.on('uncaughtException', (error) =>
    log.component('main').critical('fault; please report it', { reason: error.stack ?? error.message }),
  )
  const watch = (proxy: Proxy): void => watchTunnels(proxy, log, tunnelLines, color)
  if (isWorker()) {
    await runWorker(config, log, watch)
    return EXIT.ok
  }
  return options.concurrency > 1 ? serveFleet(config, options, log) : serveAlone(config, options, log, watch)
}

function openLog({ logLevel, logFormat, logPath }: ServerOptions, color: boolean): ApplicationLog | undefined {
  try {
    return new ApplicationLog({
      level: logLevel,
      format: logFormat,
      color,
      ...(logPath === undefined ? {} : { path: logPath }),
    })
  } catch (error) {
    process.stderr.write(`sluice: --log-path: cannot write ${logPath ?? ''}: ${systemReason(error)}\n`)
    return undefined
  }
}

async function serveAlone(
  config: ProxyConfig,
  options: ServerOptions,
  log: ApplicationLog,
  watch: (proxy: Proxy) => void,
): Promise<number> {
  const proxy = new Proxy(config, log, commandLine(options))
  try {
    await proxy.start()
  } catch (error) {
    return refuse(error, () => proxy.stop())
  }
  watch(proxy)
  const listeners = proxy.server.listeners.map(({ config: { name }, sockets }) => ({
    name,
    addresses: sockets.map(({ address }) => address),
  }))
  announce(config, options, log, { listeners, admin: proxy.adminAddress, warnings: proxy.lookupWarnings() })
  const reason = await proxy.ended(options.drainTimeS)
  log.component('main').info('stopped', { reason })
  return EXIT.ok
}

async function serveFleet(config: ProxyConfig, options: ServerOptions, log: ApplicationLog): Promise<number> {
  const fleet = new Fleet(config, log, commandLine(options), options.concurrency)
  let warnings: readonly string[]
  try {
    warnings = await fleet.start()
  } catch (error) {
    return refuse(error, () => fleet.stop(0))
  }
  announce(config, options, log, { listeners: fleet.listeners, admin: fleet.adminAddress, warnings })
  const reason = await fleet.ended(options.drainTimeS)
  log.component('main').info('stopped', { reason })
  return EXIT.ok
}

async function refuse(error: unknown, stop: () => Promise<void>): Promise<number> {
  process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
  await stop()
  return EXIT.refused
}

function watchTunnels(proxy: Proxy, log: ApplicationLog, level: TunnelLines, color: boolean): void {
  const tunnels = log.component('tunnel')
  const live = liveLine({ write: (line) => tunnels[level](line), color, clockTime: false })
  const digest = failureDigest()
  proxy.services.ledger.listen({
    onOpen: (entry) => void (tunnels.wants(level) && live.onOpen(entry)),
    onClose: (entry, end) => void (tunnels.wants(level) && live.onClose(entry, end)),
    onFailure(session) {
      if (tunnels.wants(level)) live.onFailure?.(session)
      else tellFailure(tunnels, digest(session))
    },
  })
}

/** Clients of TCP and UDP hear no reason; whoever runs the proxy shall not have to guess it. */
function tellFailure(log: ComponentLog, line: FailureLine | undefined): void {
  if (line === undefined) return
  const { cluster, cause, count, session } = line
  log.warning('sessions find no upstream', {
    cluster,
    listener: session.listener,
    code: cause.code,
    reason: cause.detail,
    count,
  })
}

interface Started {
  readonly listeners: readonly { readonly name: string; readonly addresses: readonly { readonly text: string }[] }[]
  readonly admin: string | undefined
  readonly warnings: readonly string[]
}

function announce(
  config: ProxyConfig,
  options: ServerOptions,
  log: ApplicationLog,
  { listeners, admin, warnings }: Started,
): void {
  const main = log.component('main')
  if (options.adminAddressPath !== undefined && admin !== undefined)
    tellAdminAddress(options.adminAddressPath, admin, main)
  for (const warning of warnings) main.warning(warning)
  if (listeners.length === 0) main.warning('the configuration has no listener: nothing is served')
  for (const { name, addresses } of listeners) {
    for (const { text } of addresses) main.info(`listening on ${text}`, { listener: name })
  }
  if (config.admin !== undefined) main.info(`admin on ${admin ?? addressText(config.admin.address)}`)
}

/** Envoy goes on without the file, too. */
function tellAdminAddress(path: string, address: string, main: ComponentLog): void {
  try {
    writeFileSync(path, address)
  } catch (error) {
    main.error(`--admin-address-path: cannot write ${path}: ${systemReason(error)}`)
  }
}

function commandLine(options: ServerOptions): Record<string, string | number | boolean> {
  return {
    base_id: options.baseId,
    concurrency: options.concurrency,
    config_path: options.configPath.join(','),
    config_yaml: options.configYaml ?? '',
    mode: options.mode === 'serve' ? 'Serve' : options.mode === 'validate' ? 'Validate' : 'InitOnly',
    log_level: options.logLevel,
    log_path: options.logPath ?? '',
    drain_time: `${options.drainTimeS}s`,
    parent_shutdown_time: '900s',
    service_cluster: options.serviceCluster ?? '',
    service_node: options.serviceNode ?? '',
    admin_address_path: options.adminAddressPath ?? '',
    allow_unknown_static_fields: options.allowUnknownStaticFields,
  }
}
