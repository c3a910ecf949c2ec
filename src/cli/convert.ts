// `sluice convert`: a configuration of any dialect as Envoy YAML, or as the model that the proxy works with.

import { Command, Option } from 'commander'
import { stringify } from 'yaml'
import { plainModel } from '../config/model/plain-model.ts'
import type { ProxyConfig } from '../config/model/proxy.ts'
import { toEnvoy } from '../config/to-envoy/index.ts'
import { loadConfig, printDiagnostics } from '../proxy/load-config.ts'
import { EXIT } from './exit-codes.ts'

const HELP = `
Envoy's own messages wherever Envoy has words for it; the rest stands beside them in messages named sluice.v1.*, which
Sluice reads back and Envoy refuses or, in metadata, ignores. Certificates and private keys stand in the output itself.

Examples:
  sluice convert -c easegress.yaml --to envoy > envoy.yaml
  sluice convert -c manifests/ --to model`

interface ConvertOptions {
  readonly configPath: readonly string[]
  readonly to: 'envoy' | 'model'
  readonly allowUnknownStaticFields: boolean
}

export function convertCommand(done: (code: number) => void): Command {
  return new Command('convert')
    .description('print a configuration as Envoy YAML or as the model')
    .addOption(
      new Option('-c, --config-path <path>', 'file or folder, in any dialect; repeatable')
        .argParser((path: string, paths: readonly string[]) => [...paths, path])
        .default([], 'none'),
    )
    .addOption(new Option('--to <what>', 'envoy or model').choices(['envoy', 'model']).default('envoy'))
    .option('--allow-unknown-static-fields', 'warn of fields that Envoy does not have instead of refusing them', false)
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
    .action(async (options: ConvertOptions, command: Command) => {
      if (options.configPath.length === 0)
        command.error('error: no configuration: name a file or folder with -c', { exitCode: EXIT.usage })
      done(await convert(options))
    })
}

async function convert(options: ConvertOptions): Promise<number> {
  const loaded = await loadConfig(options)
  printDiagnostics(loaded)
  if (loaded.config === undefined) return EXIT.refused
  process.stdout.write(options.to === 'envoy' ? envoyText(loaded.config) : modelText(loaded.config))
  return EXIT.ok
}

/** In YAML 1.1 words such as `yes` are quoted, which every reader of YAML then takes for text. */
function envoyText(config: ProxyConfig): string {
  if (holdsSecrets(config))
    process.stderr.write('sluice: the output holds private keys or passwords: keep it as safe as them\n')
  return stringify(toEnvoy(config), { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
}

/** What the model's own form hides stands in the open in Envoy's. */
const holdsSecrets = (config: ProxyConfig): boolean => modelText(config).includes('[redacted]')

function modelText(config: ProxyConfig): string {
  const { dump: _dump, objects: _objects, ...model } = config
  return stringify(plainModel(model), { lineWidth: 0, aliasDuplicateObjects: false })
}
