// Reads and checks the configuration of a command line, in whichever dialect it is written, and prints what is wrong with it.

import { readFileSync } from 'node:fs'
import type { DialectOptions, LoadedConfig } from '../config/dialect.ts'
import { hasErrors, printDiagnostics as print, sortDiagnostics, type Diagnostic } from '../config/diagnostics.ts'
import { loadEnvoy } from '../config/envoy/index.ts'
import { sourceFiles } from '../config/source/source-files.ts'
import type { SourceText } from '../config/source/read-file.ts'
import { applyOverrides, type ConfigOverrides } from './config-overrides.ts'
import { detectDialect } from './detect-dialect.ts'

export type { LoadedConfig } from '../config/dialect.ts'

/** Where a configuration comes from and what wins over it. */
export interface ConfigSources extends ConfigOverrides {
  /** Files and folders. */
  readonly configPath: readonly string[]
  readonly configYaml?: string | undefined
  /** What places in `configYaml` are called; `--config-yaml` unless set. */
  readonly configYamlName?: string
  readonly serviceNode?: string | undefined
  readonly serviceCluster?: string | undefined
  readonly allowUnknownStaticFields?: boolean
}

/** Loads the files in order, then `configYaml`: merged over them (Envoy), or beside them (objects). */
export async function loadConfig(options: ConfigSources): Promise<LoadedConfig> {
  const files = options.configPath.map(sourceFiles)
  const problems = files.flatMap((found) => found.problems)
  if (problems.length > 0) return refused(problems.map(({ place, message }) => error(place, message)))
  const sources = files.flatMap((found) => found.sources)
  const text: SourceText[] =
    options.configYaml === undefined
      ? []
      : [{ kind: 'text', name: options.configYamlName ?? '--config-yaml', text: options.configYaml }]
  return applyOverrides(await loadSources([...sources, ...text], options), options)
}

/** A configuration that the program made itself; places in it are called `name:line`. */
export const loadText = (text: string, name: string): Promise<LoadedConfig> =>
  loadSources([{ kind: 'text', name, text }], { configPath: [] })

async function loadSources(sources: readonly SourceText[], options: ConfigSources): Promise<LoadedConfig> {
  const detected = detectDialect(sources)
  if (detected.kind === 'mixed') return refused([detected.diagnostic])
  switch (detected.dialect) {
    case 'envoy':
      return loadBootstrap(sources, options)
    // Loaded when they are asked for: their schemas cost time and memory that an Envoy file has no use for.
    case 'easegress': {
      const { loadEasegress } = await import('../config/easegress/index.ts')
      return withObjects(await loadEasegress(sources, dialectOptions(options)))
    }
    case 'gateway-api': {
      const { loadGatewayApi } = await import('../config/gateway-api/index.ts')
      return withObjects(await loadGatewayApi(sources, dialectOptions(options)))
    }
  }
}

async function loadBootstrap(sources: readonly SourceText[], options: ConfigSources): Promise<LoadedConfig> {
  const { config, diagnostics } = await loadEnvoy(sources, {
    allowUnknownFields: options.allowUnknownStaticFields ?? false,
    ...(options.serviceNode === undefined ? {} : { nodeId: options.serviceNode }),
    ...(options.serviceCluster === undefined ? {} : { nodeCluster: options.serviceCluster }),
  })
  return { dialect: 'envoy', config, diagnostics, objects: [] }
}

const dialectOptions = ({ portMap }: ConfigSources): DialectOptions => (portMap === undefined ? {} : { portMap })

const withObjects = (loaded: LoadedConfig): LoadedConfig =>
  loaded.config === undefined ? loaded : { ...loaded, config: { ...loaded.config, objects: loaded.objects } }

const error = (place: { file: string; line: number; column: number }, message: string): Diagnostic => ({
  severity: 'error',
  place: { ...place, path: '' },
  message,
})

const refused = (diagnostics: readonly Diagnostic[]): LoadedConfig => ({
  dialect: 'envoy',
  config: undefined,
  diagnostics: sortDiagnostics(diagnostics),
  objects: [],
})

/** Every finding, with the line it stands in, to stderr. */
export function printDiagnostics({ config, diagnostics }: LoadedConfig): void {
  process.stderr.write(print(diagnostics, textOf))
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  const count = `${errors} ${errors === 1 ? 'error' : 'errors'}`
  if (config === undefined) process.stderr.write(`sluice: configuration refused: ${count}\n`)
  else if (errors > 0) process.stderr.write(`sluice: ${count}; what is not concerned goes on\n`)
}

/** Whether a check of the configuration passes: something can run, and nothing in it is wrong. */
export const isSound = ({ config, diagnostics }: LoadedConfig): boolean =>
  config !== undefined && !hasErrors(diagnostics)

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not a file: the command line's own text has no lines to show.
    return undefined
  }
}
