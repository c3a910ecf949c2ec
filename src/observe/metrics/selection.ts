// Which statistics a request to /stats wants: `filter` (RE2, anywhere in the name), `usedonly`, `type`.

import { RE2JS } from 're2js'
import type { Stat, StatRegistry } from '../stats/registry.ts'

export type StatKinds = 'all' | 'counters' | 'gauges' | 'histograms' | 'text-readouts'

export interface StatSelection {
  readonly usedOnly: boolean
  readonly kinds: StatKinds
  /** Whether a name is wanted. */
  readonly filter: ((name: string) => boolean) | undefined
}

/** What a query asks for, or the sentence that says why it cannot be answered. */
export type ParsedSelection =
  | { readonly kind: 'selection'; readonly selection: StatSelection }
  | { readonly kind: 'refused'; readonly reason: string }

/** Longest regular expression taken, in characters. */
const MAX_FILTER_LENGTH = 1024

const KINDS: Readonly<Record<string, StatKinds>> = {
  all: 'all',
  counters: 'counters',
  gauges: 'gauges',
  histograms: 'histograms',
  textreadouts: 'text-readouts',
}

/** Reads the parameters of a query. `usedonly` counts when present with any value but `false`, as in Envoy. */
export function parseSelection(query: URLSearchParams): ParsedSelection {
  const type = query.get('type') ?? 'All'
  const kinds = KINDS[type.toLowerCase()]
  if (kinds === undefined) {
    return { kind: 'refused', reason: `invalid type "${type}": one of TextReadouts, Counters, Gauges, Histograms, All` }
  }
  const parsed = parseNameFilter(query.get('filter') ?? '', query.has('invert_filter'))
  if (parsed.kind === 'refused') return parsed
  const usedOnly = query.has('usedonly') && query.get('usedonly') !== 'false'
  return { kind: 'selection', selection: { usedOnly, kinds, filter: parsed.filter } }
}

/** Compiles a regular expression that may match anywhere in a name; '' lets everything pass. */
export function parseNameFilter(
  source: string,
  invert = false,
):
  | { readonly kind: 'filter'; readonly filter: ((name: string) => boolean) | undefined }
  | { readonly kind: 'refused'; readonly reason: string } {
  if (source === '') return { kind: 'filter', filter: undefined }
  if (source.length > MAX_FILTER_LENGTH) {
    return { kind: 'refused', reason: `the filter is longer than ${MAX_FILTER_LENGTH} characters` }
  }
  try {
    const regex = RE2JS.compile(source)
    return { kind: 'filter', filter: (name) => regex.matcher(name).find() !== invert }
  } catch (error) {
    return { kind: 'refused', reason: `Invalid re2 regex: ${error instanceof Error ? error.message : 'not valid'}` }
  }
}

/** The statistics that are wanted, sorted by name. */
export function select(registry: StatRegistry, selection: StatSelection): Stat[] {
  const { usedOnly, kinds, filter } = selection
  return registry.all().filter((stat) => {
    // Every look marks what has moved, so that it still counts as used after a reset.
    const used = registry.isUsed(stat)
    if (usedOnly && !used) return false
    if (kinds !== 'all' && kinds !== `${stat.kind}s`) return false
    return filter === undefined || filter(stat.name)
  })
}
