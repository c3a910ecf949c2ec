// Reads and checks the configuration of a command line, and prints what is wrong with it.

import { readFileSync } from 'node:fs'
import { printDiagnostics as print } from '../config/diagnostics.ts'
import { loadEnvoy, type LoadedEnvoy, type SourceText } from '../config/envoy/index.ts'

/** Where a configuration comes from and what wins over it. */
export interface ConfigSources {
  readonly configPath: readonly string[]
  readonly configYaml?: string | undefined
  /** What places in `configYaml` are called; `--config-yaml` unless set. */
  readonly configYamlName?: string
  readonly serviceNode?: string | undefined
  readonly serviceCluster?: string | undefined
  readonly allowUnknownStaticFields?: boolean
}

/** Loads the files in order, then `configYaml` over them. */
export function loadConfig(options: ConfigSources): Promise<LoadedEnvoy> {
  const files: SourceText[] = options.configPath.map((path) => ({ kind: 'file', path }))
  const text: SourceText[] =
    options.configYaml === undefined
      ? []
      : [{ kind: 'text', name: options.configYamlName ?? '--config-yaml', text: options.configYaml }]
  return loadEnvoy([...files, ...text], {
    allowUnknownFields: options.allowUnknownStaticFields ?? false,
    ...(options.serviceNode === undefined ? {} : { nodeId: options.serviceNode }),
    ...(options.serviceCluster === undefined ? {} : { nodeCluster: options.serviceCluster }),
  })
}

/** A configuration that the program made itself; places in it are called `name:line`. */
export const loadText = (text: string, name: string): Promise<LoadedEnvoy> => loadEnvoy([{ kind: 'text', name, text }])

/** Every finding, with the line it stands in, to stderr. */
export function printDiagnostics({ config, diagnostics }: LoadedEnvoy): void {
  process.stderr.write(print(diagnostics, textOf))
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  if (config === undefined)
    process.stderr.write(`sluice: configuration refused: ${errors} ${errors === 1 ? 'error' : 'errors'}\n`)
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not a file: the command line's own text has no lines to show.
    return undefined
  }
}
