// Runs a loaded configuration until a signal: admin, live lines, drain at SIGTERM, exit.

import { writeFileSync } from 'node:fs'
import { EXIT } from './exit-codes.ts'
import type { ServerOptions } from './server-options.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { liveLine } from '../observe/ledger/live-line.ts'
import { ApplicationLog } from '../observe/log.ts'
import { addressText } from '../config/model/address.ts'
import { placeText } from '../config/model/place.ts'
import { Proxy } from '../proxy/proxy.ts'

/** At which level every tunnel has its two lines: a gateway with ten thousand of them wants to be asked first. */
export type TunnelLines = 'info' | 'debug'

/** Resolves with the exit code when the proxy has stopped. */
export async function serve(config: ProxyConfig, options: ServerOptions, tunnelLines: TunnelLines = 'debug'): Promise<number> {
  const { logPath } = options
  const color = logPath === undefined && process.stderr.isTTY
  const log = new ApplicationLog({ level: options.logLevel, format: options.logFormat, color, ...(logPath === undefined ? {} : { path: logPath }) })
  const main = log.component('main')
  const running = new Proxy(config, log, commandLine(options))
  try {
    await running.start()
  } catch (error) {
    process.stderr.write(`sluice: ${error instanceof Error ? error.message : String(error)}\n`)
    await running.stop()
    return EXIT.refused
  }
  const tunnels = log.component('tunnel')
  const live = liveLine({ write: (line) => tunnels[tunnelLines](line), color, clockTime: false })
  running.services.ledger.listen({
    onOpen: (entry) => void (tunnels.wants(tunnelLines) && live.onOpen(entry)),
    onClose: (entry, end) => void (tunnels.wants(tunnelLines) && live.onClose(entry, end)),
  })
  if (options.adminAddressPath !== undefined && running.adminAddress !== undefined) writeFileSync(options.adminAddressPath, running.adminAddress)
  for (const { cluster, runtime } of running.server.clusters.values()) {
    for (const failure of runtime.lookupFailures) {
      main.warning(`${placeText(cluster.place)}: cluster "${cluster.name}" has no address yet: lookup of ${failure}; it is tried again`)
    }
  }
  for (const { config: listener, sockets } of running.server.listeners) {
    for (const socket of sockets) main.info(`listening on ${socket.address.text}`, { listener: listener.name })
  }
  if (config.admin !== undefined) main.info(`admin on ${running.adminAddress ?? addressText(config.admin.address)}`)
  const reason = await running.ended(options.drainTimeS)
  main.info('stopped', { reason })
  return EXIT.ok
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
