// `sluice validate`: checks configuration files and says everything that is wrong with them at once.

import { Command } from 'commander'
import { EXIT } from './exit-codes.ts'
import { loadConfig, printDiagnostics } from '../proxy/load-config.ts'
import { verdict } from './verdict.ts'
import { serverOptions, type ServerOptions } from './server-options.ts'

const HELP = `
Examples:
  sluice validate -c envoy.yaml
  sluice validate -c manifests/
  sluice validate -c base.yaml -c site.yaml --allow-unknown-static-fields`

export function validateCommand(done: (code: number) => void): Command {
  return serverOptions(new Command('validate'))
    .description('check a configuration and exit')
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
    .action(async (options: ServerOptions, command: Command) => {
      if (options.configPath.length === 0 && options.configYaml === undefined)
        command.error('error: no configuration: name a file with -c', { exitCode: EXIT.usage })
      const loaded = await loadConfig(options)
      printDiagnostics(loaded)
      done(verdict(loaded, options.configPath))
    })
}
