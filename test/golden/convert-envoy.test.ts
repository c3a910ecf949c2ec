// What `sluice convert --to envoy` prints means the same: every golden bootstrap that loads is lowered, written as Envoy
// YAML, loaded again, and must give the same model.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { loadEnvoy } from '../../src/config/envoy/index.ts'
import { printDiagnostics } from '../../src/config/diagnostics.ts'
import type { ProxyConfig } from '../../src/config/model/proxy.ts'
import { toEnvoy } from '../../src/config/to-envoy/index.ts'
import { comparable } from '../support/comparable-model.ts'

const folder = join(import.meta.dirname, 'envoy')
const NOW = Date.parse('2026-06-01T00:00:00Z')
const ENVIRONMENT = { SECRET_BODY: 'from the environment' }

async function load(text: string, allowUnknownFields: boolean): Promise<ProxyConfig | string> {
  const source = { kind: 'text', name: 'envoy.yaml', text } as const
  const { config, diagnostics } = await loadEnvoy([source], { allowUnknownFields, environment: ENVIRONMENT, now: NOW })
  return config ?? printDiagnostics(diagnostics, () => text)
}

for (const file of readdirSync(folder).sort()) {
  const [input = ''] = readFileSync(join(folder, file), 'utf8').split('\n----------\n')
  const before = await load(`${input}\n`, input.includes('# option: allow-unknown-static-fields'))
  // Refusals have nothing to convert.
  if (typeof before === 'string') continue
  test(`converting golden envoy ${file.replace(/\.yaml$/, '').replaceAll('-', ' ')} keeps its meaning`, async () => {
    const written = stringify(toEnvoy(before), { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
    const after = await load(written, false)
    assert.ok(typeof after !== 'string', `${typeof after === 'string' ? after : ''}\n${written}`)
    assert.deepEqual(comparable(after), comparable(before))
  })
}
