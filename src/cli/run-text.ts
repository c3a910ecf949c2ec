// What the commands without a file have in common: print the configuration that the flags amount to, or run it.

import type { Command } from 'commander'
import { stringify } from 'yaml'
import { loadText, printDiagnostics } from '../proxy/load-config.ts'
import { applyOverrides } from '../proxy/config-overrides.ts'
import { EXIT } from './exit-codes.ts'
import { serve } from './serve.ts'
import type { ServerOptions } from './server-options.ts'

export interface TextOptions extends ServerOptions {
  readonly printConfig: boolean
}

/** Runs `config`, or prints it; resolves to the exit code. */
export async function runText(config: object, options: TextOptions, command: Command): Promise<number> {
  if (options.configPath.length > 0 || options.configYaml !== undefined) {
    command.error(
      'error: this command makes its own configuration: --print-config prints a file to start from, sluice -c FILE runs one',
      { exitCode: EXIT.usage },
    )
  }
  const text = stringify(config, { aliasDuplicateObjects: false })
  if (options.printConfig) {
    process.stdout.write(text)
    return EXIT.ok
  }
  const loaded = applyOverrides(await loadText(text, '--print-config'), options)
  printDiagnostics(loaded)
  if (loaded.config === undefined) return EXIT.refused
  return options.mode === 'serve' ? serve(loaded.config, options, 'info') : EXIT.ok
}
