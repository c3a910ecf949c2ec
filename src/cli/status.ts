// `sluice status`: what a controller would write under `status:` of every Kubernetes object, without running anything.

import { Command, Option } from 'commander'
import { stringify } from 'yaml'
import type { ConfigObject } from '../config/dialect.ts'
import { loadConfig, printDiagnostics } from '../proxy/load-config.ts'
import { EXIT } from './exit-codes.ts'

const HELP = `
Conditions, addresses, attached routes and supported features of every object that has a status: apiVersion, kind, metadata
and status, as YAML documents, or with -o json as one List. Exit code 1 when an object is not accepted or does not resolve,
or, without --kind, when anything else of the manifests is refused.

Examples:
  sluice status -c manifests/
  sluice status -c manifests/ --kind HTTPRoute
  sluice status -c gateway.yaml -o json`

interface StatusOptions {
  readonly configPath: readonly string[]
  readonly kind: string | undefined
  readonly output: 'yaml' | 'json'
}

export function statusCommand(done: (code: number) => void): Command {
  return new Command('status')
    .description('print the status conditions of Kubernetes manifests')
    .addOption(
      new Option('-c, --config-path <path>', 'file or folder of manifests; repeatable')
        .argParser((path: string, paths: readonly string[]) => [...paths, path])
        .default([], 'none'),
    )
    .option('--kind <kind>', 'only objects of this kind')
    .addOption(new Option('-o, --output <format>', 'yaml or json').choices(['yaml', 'json']).default('yaml'))
    .allowExcessArguments(false)
    .addHelpText('after', HELP)
    .action(async (options: StatusOptions, command: Command) => {
      if (options.configPath.length === 0)
        command.error('error: no manifests: name a file or folder with -c', { exitCode: EXIT.usage })
      done(await status(options))
    })
}

async function status({ configPath, kind, output }: StatusOptions): Promise<number> {
  const loaded = await loadConfig({ configPath })
  printDiagnostics(loaded)
  if (loaded.dialect !== 'gateway-api') {
    if (loaded.diagnostics.length === 0 || loaded.config !== undefined)
      process.stderr.write('sluice: status is written for Kubernetes manifests; this configuration is none\n')
    return EXIT.refused
  }
  const shown = loaded.objects.filter((each) => isOfKind(each, kind) && hasStatus(each)).map(statusObject)
  if (shown.length === 0) process.stderr.write(`sluice: ${nothingToShow(loaded.objects, kind)}\n`)
  process.stdout.write(output === 'json' ? listText(shown) : shown.map(document).join('---\n'))
  if (shown.length === 0 && kind !== undefined) return EXIT.refused
  const refused = kind === undefined && loaded.diagnostics.some(({ severity }) => severity === 'error')
  return refused || shown.some(isTroubled) ? EXIT.refused : EXIT.ok
}

const isOfKind = (object: ConfigObject, kind: string | undefined): boolean =>
  kind === undefined || object.kind.toLowerCase() === kind.toLowerCase()

const hasStatus = ({ value }: ConfigObject): boolean =>
  typeof value === 'object' && value !== null && 'status' in value && WITH_STATUS.test(apiVersionOf(value))

/** A cluster's own objects have a status, too, which nobody here writes. */
const WITH_STATUS = /^(?:gateway\.networking\.k8s\.io|alb\.networking\.azure\.io)\//

const apiVersionOf = (value: object): string => ('apiVersion' in value ? String(value.apiVersion) : '')

interface StatusObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: unknown
  readonly status: unknown
}

/** What kubectl shows, without what the author wrote. */
function statusObject({ kind, name, namespace, value }: ConfigObject): StatusObject {
  const of = typeof value === 'object' && value !== null ? value : {}
  const generation = 'metadata' in of ? generationOf(of.metadata) : undefined
  return {
    apiVersion: apiVersionOf(of),
    kind,
    metadata: {
      name,
      ...(namespace === '' ? {} : { namespace }),
      ...(generation === undefined ? {} : { generation }),
    },
    status: 'status' in of ? of.status : undefined,
  }
}

const generationOf = (metadata: unknown): unknown =>
  typeof metadata === 'object' && metadata !== null && 'generation' in metadata ? metadata.generation : undefined

function nothingToShow(objects: readonly ConfigObject[], kind: string | undefined): string {
  const kinds = [...new Set(objects.filter(hasStatus).map((each) => each.kind))].sort()
  const there = kinds.length === 0 ? 'no object has a status' : `there are ${kinds.join(', ')}`
  return kind === undefined ? 'no object has a status' : `no object of kind "${kind}"; ${there}`
}

/** YAML 1.1, as Kubernetes reads it: times and words such as `on` stay texts. */
const document = (value: unknown): string =>
  stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })

const listText = (items: readonly StatusObject[]): string =>
  `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2)}\n`

/** Conditions whose `False` means that something of the object does not work. */
const GOOD: ReadonlySet<string> = new Set(['Accepted', 'ResolvedRefs', 'Programmed'])

/** Whether any condition anywhere in the object's status says so. */
function isTroubled(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTroubled)
  if (typeof value !== 'object' || value === null) return false
  if ('type' in value && 'status' in value && value.status === 'False' && GOOD.has(String(value.type))) return true
  return Object.values('status' in value && 'kind' in value ? { status: value.status } : value).some(isTroubled)
}
