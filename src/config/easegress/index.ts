// The Easegress dialect: HTTPServer, Pipeline and GlobalFilter objects in, model and findings out.

import type { DialectOptions, LoadedConfig } from '../dialect.ts'
import type { SourceText } from '../source/read-file.ts'

/** Loads objects. Never throws for what a text says. */
export async function loadEasegress(
  _sources: readonly SourceText[],
  _options: DialectOptions = {},
): Promise<LoadedConfig> {
  return { dialect: 'easegress', config: undefined, diagnostics: [], objects: [] }
}
