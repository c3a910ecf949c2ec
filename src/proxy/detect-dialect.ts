// Which dialect a configuration is written in, told by what its documents say, not by their names.

import type { Dialect } from '../config/dialect.ts'
import type { Diagnostic } from '../config/diagnostics.ts'
import { readDocuments, type SourceText } from '../config/source/read-file.ts'
import type { SourceNode } from '../config/source/tree.ts'

const NAMES: Readonly<Record<Dialect, string>> = {
  envoy: 'an Envoy bootstrap',
  easegress: 'an Easegress object (kind without apiVersion)',
  'gateway-api': 'a Kubernetes manifest (apiVersion and kind)',
}

export type Detected =
  | { readonly kind: 'dialect'; readonly dialect: Dialect }
  /** Two dialects in one configuration. */
  | { readonly kind: 'mixed'; readonly diagnostic: Diagnostic }

/** What cannot be parsed has no say: its dialect's loader tells what is wrong with it. Envoy when nothing says anything. */
export function detectDialect(sources: readonly SourceText[]): Detected {
  let known: { readonly dialect: Dialect; readonly file: string } | undefined
  for (const source of sources) {
    for (const document of readDocuments(source)) {
      if (document.kind === 'refused') continue
      const { root } = document
      const dialect = dialectOf(root)
      if (dialect === undefined) continue
      if (known !== undefined && known.dialect !== dialect) {
        const message = `this is ${NAMES[dialect]}, but ${known.file} holds ${NAMES[known.dialect]}`
        const hint = 'one configuration is written in one dialect; give the files by themselves'
        return { kind: 'mixed', diagnostic: { severity: 'error', place: { ...root.place, path: '' }, message, hint } }
      }
      known ??= { dialect, file: root.place.file }
    }
  }
  return { kind: 'dialect', dialect: known?.dialect ?? 'envoy' }
}

/** undefined when the document is empty. */
function dialectOf(root: SourceNode): Dialect | undefined {
  if (root.kind !== 'map') return root.kind === 'list' ? 'envoy' : undefined
  if (root.entries.size === 0) return undefined
  if (!root.entries.has('kind')) return 'envoy'
  return root.entries.has('apiVersion') ? 'gateway-api' : 'easegress'
}
