// The Easegress dialect: HTTPServer, Pipeline and GlobalFilter objects in, model and findings out.

import type { DialectOptions, LoadedConfig } from '../dialect.ts'
import { hasErrors, sortDiagnostics } from '../diagnostics.ts'
import type { ProxyConfig } from '../model/proxy.ts'
import type { SourceText } from '../source/read-file.ts'
import { toJson } from '../source/tree.ts'
import { Loading } from './loading.ts'
import { lowerObjects } from './lower-objects.ts'
import { readObjects, type ObjectSource } from './objects.ts'
import { redacted } from './redacted.ts'

/** Loads objects. Never throws for what a text says. */
export async function loadEasegress(
  sources: readonly SourceText[],
  options: DialectOptions = {},
): Promise<LoadedConfig> {
  const loading = new Loading(options)
  const read = readObjects(loading, sources)
  const objects = read.map(toConfigObject)
  const listeners = lowerObjects(loading, read)
  const config: ProxyConfig = {
    listeners,
    clusters: loading.clusters,
    admin: undefined,
    node: { id: '', cluster: '' },
    internalBufferBytes: 1024 * 1024,
    // None of Envoy's own headers.
    headerPrefix: '',
    dump: objects.map(({ value }) => value),
    objects,
  }
  const diagnostics = sortDiagnostics(loading.diagnostics)
  return { dialect: 'easegress', config: hasErrors(diagnostics) ? undefined : config, diagnostics, objects }
}

const toConfigObject = ({ kind, name, spot }: ObjectSource): LoadedConfig['objects'][number] => ({
  kind,
  name,
  namespace: '',
  value: spot.node === undefined ? null : redacted(toJson(spot.node)),
})
