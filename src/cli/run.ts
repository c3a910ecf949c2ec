// `sluice run`: starts the proxy from configuration files and stays until a signal.

import { Command } from 'commander'
import { EXIT } from './exit-codes.ts'
import { loadConfig, printDiagnostics } from '../proxy/load-config.ts'
import { verdict } from './verdict.ts'
import { serverOptions, type ServerOptions } from './server-options.ts'
import { serve } from './serve.ts'

const HELP = `
Examples:
  sluice run -c envoy.yaml
  sluice run -c easegress/ --admin 2381
  sluice run -c manifests/ --port-map 80=8080 --port-map 443=8443
  sluice run -c envoy.yaml --config-yaml 'admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}'
  sluice run -c envoy.yaml --mode validate -l warning`

export function runCommand(done: (code: number) => void): Command {
  return serverOptions(new Command('run'))
    .description('run the proxy from an Envoy, Easegress or Gateway API configuration')
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
    .action(async (options: ServerOptions, command: Command) => {
      if (options.configPath.length === 0 && options.configYaml === undefined)
        command.error('error: no configuration: name a file with -c', { exitCode: EXIT.usage })
      done(await run(options))
    })
}

async function run(options: ServerOptions): Promise<number> {
  const loaded = await loadConfig(options)
  printDiagnostics(loaded)
  if (options.mode !== 'serve') return verdict(loaded, options.configPath)
  if (loaded.config === undefined) return EXIT.refused
  return serve(loaded.config, options)
}
