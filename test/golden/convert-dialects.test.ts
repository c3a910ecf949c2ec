// What `sluice convert --to envoy` prints of Easegress objects and of Gateway API manifests means the same: every golden
// case that gives a model is written as Envoy YAML, loaded as such, and must give that model again.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import type { DialectOptions, LoadedConfig } from '../../src/config/dialect.ts'
import { diagnosticLine } from '../../src/config/diagnostics.ts'
import { loadEasegress } from '../../src/config/easegress/index.ts'
import { loadEnvoy } from '../../src/config/envoy/index.ts'
import { loadGatewayApi } from '../../src/config/gateway-api/index.ts'
import type { SourceText } from '../../src/config/source/read-file.ts'
import { toEnvoy } from '../../src/config/to-envoy/index.ts'
import { comparable } from '../support/comparable-model.ts'

type Load = (sources: readonly SourceText[], options?: DialectOptions) => Promise<LoadedConfig>

const DIALECTS: readonly { readonly folder: string; readonly end: RegExp; readonly load: Load }[] = [
  { folder: 'easegress', end: /\n(?:=|-){10,}\n/, load: loadEasegress },
  { folder: 'gateway-api', end: /\n={10,}\n/, load: loadGatewayApi },
]
const NOW = Date.parse('2026-06-01T00:00:00Z')

for (const { folder, end, load } of DIALECTS) {
  const path = join(import.meta.dirname, folder)
  for (const file of readdirSync(path).sort()) {
    const [input = ''] = readFileSync(join(path, file), 'utf8').split(end)
    const { config: before } = await load([{ kind: 'text', name: file, text: `${input}\n` }], { now: NOW })
    // Refusals have nothing to convert.
    if (before === undefined) continue
    test(`converting golden ${folder} ${file.replace(/\.yaml$/, '').replaceAll('-', ' ')} keeps its meaning`, async () => {
      const text = stringify(toEnvoy(before), { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
      const after = await loadEnvoy([{ kind: 'text', name: 'converted.yaml', text }], { now: NOW })
      const errors = after.diagnostics.filter(({ severity }) => severity === 'error')
      assert.ok(after.config !== undefined, `${errors.map(diagnosticLine).join('\n')}\n${text}`)
      assert.deepEqual(comparable(after.config), comparable(before))
    })
  }
}
