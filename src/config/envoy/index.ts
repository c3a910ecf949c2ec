// The Envoy dialect: bootstrap text in, model and findings out. Text is read and merged, given to the schema that Envoy
// itself publishes, checked against Envoy's rules and against what Sluice supports, and lowered.

import { fromJson } from '@bufbuild/protobuf'
import type { Diagnostic } from '../diagnostics.ts'
import { hasErrors, sortDiagnostics } from '../diagnostics.ts'
import type { ProxyConfig } from '../model/proxy.ts'
import type { TextProblem } from '../source/parse-text.ts'
import { readSource, type SourceText } from '../source/read-file.ts'
import { Spot, type Json } from '../source/tree.ts'
import { checkRules, checkSupported, type ParsedMessage } from './check.ts'
import { redacted } from './dump.ts'
import { Loading, type EnvoyOptions } from './loading.ts'
import { locate } from './locate.ts'
import { lowerBootstrap } from './lower-bootstrap.ts'
import { mergeTrees } from './merge.ts'
import { BootstrapSchema, HttpFilterSchema, type Bootstrap } from './messages.ts'
import { prepare, type OwnFields } from './prepare.ts'
import { registryFor } from './registry.ts'

export type { EnvoyOptions } from './loading.ts'
export type { SourceText } from '../source/read-file.ts'

export interface LoadedEnvoy {
  /** undefined when there are errors. */
  readonly config: ProxyConfig | undefined
  /** Sorted; errors and warnings. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Loads one or more texts, the later ones merged over the earlier ones. Never throws for what a text says. */
export async function loadEnvoy(sources: readonly SourceText[], options: EnvoyOptions = {}): Promise<LoadedEnvoy> {
  const texts = sources.map(readSource)
  const trees = texts.flatMap((text) => (text.kind === 'tree' ? [text.root] : []))
  const problems = texts.flatMap((text) => (text.kind === 'refused' ? text.problems : []))
  const [first, ...more] = trees
  if (problems.length > 0 || first === undefined)
    return { config: undefined, diagnostics: sortDiagnostics(problems.map(textDiagnostic)) }
  const loading = new Loading(await registryFor(trees), options)
  const merged = more.reduce((base, over) => mergeTrees(BootstrapSchema, base, over), first)
  const config = loadTree(loading, new Spot(merged, '', merged.place))
  const diagnostics = sortDiagnostics(loading.diagnostics)
  return { config: hasErrors(diagnostics) ? undefined : config, diagnostics }
}

const textDiagnostic = ({ place, message }: TextProblem): Diagnostic => ({
  severity: 'error',
  place: { ...place, path: '' },
  message,
})

function loadTree(loading: Loading, root: Spot): ProxyConfig | undefined {
  const bootstrap = parse(loading, root)
  if (bootstrap === undefined) return undefined
  for (const parsed of [{ schema: BootstrapSchema, message: bootstrap.message, spot: root }, ...bootstrap.own]) {
    checkRules(loading, parsed)
    checkSupported(loading, parsed)
  }
  return lowerBootstrap(loading, bootstrap.message, root, redacted(bootstrap.json))
}

interface ParsedBootstrap {
  readonly message: Bootstrap
  readonly json: Json
  /** Filters from Sluice's own fields. */
  readonly own: readonly ParsedMessage[]
}

function parse(loading: Loading, root: Spot): ParsedBootstrap | undefined {
  const { json, upgradeFilters } = prepare(loading, BootstrapSchema, root)
  const failed = hasErrors(loading.diagnostics)
  const own = parseOwn(loading, upgradeFilters)
  try {
    const message = fromJson(BootstrapSchema, json, { registry: loading.registry })
    if (failed || own === undefined) return undefined
    for (const { owner, filters } of upgradeFilters.values()) owner['filters'] = filters
    return { message, json, own }
  } catch (error) {
    const before = loading.diagnostics.length
    locate(loading, BootstrapSchema, root)
    if (loading.diagnostics.length === before && !failed) {
      loading.error(root, error instanceof Error ? error.message : 'the configuration does not fit the schema')
    }
    return undefined
  }
}

/** Route upgrades' own filters; undefined when one does not fit. */
function parseOwn(loading: Loading, fields: OwnFields): readonly ParsedMessage[] | undefined {
  const parsed: ParsedMessage[] = []
  let failed = false
  for (const [path, { spot, filters }] of fields) {
    const messages = filters.map((json, index) => {
      try {
        const message = fromJson(HttpFilterSchema, json, { registry: loading.registry })
        parsed.push({ schema: HttpFilterSchema, message, spot: spot.at(index) })
        return message
      } catch {
        failed = true
        locate(loading, HttpFilterSchema, spot.at(index))
        return undefined
      }
    })
    loading.upgradeFilters.set(path, { spot, filters: messages.filter((message) => message !== undefined) })
  }
  return failed ? undefined : parsed
}
