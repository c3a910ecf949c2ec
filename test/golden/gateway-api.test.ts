// Golden cases of the Gateway API dialect: each file holds manifests, a line of equal signs, and what loading them must give:
// the findings as printed, and the part of the result that the first line (`# show: path`) names: of `config`, the model, or of
// `objects`, the manifests with their status. `GOLDEN_UPDATE=1` writes what came out; read the difference before it is kept.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { printDiagnostics } from '../../src/config/diagnostics.ts'
import { loadGatewayApi } from '../../src/config/gateway-api/index.ts'
import { isPlace, plainModel, select } from '../support/plain-model.ts'

const folder = join(import.meta.dirname, 'gateway-api')
const SEPARATOR = '\n==========\n'

for (const file of readdirSync(folder).sort()) {
  test(`golden gateway api ${file.replace(/\.yaml$/, '').replaceAll('-', ' ')}`, async () => {
    const path = join(folder, file)
    const [input = '', expected] = readFileSync(path, 'utf8').split(SEPARATOR)
    const text = `${input}\n`
    const loaded = await loadGatewayApi([{ kind: 'text', name: 'manifests.yaml', text }], {
      now: Date.parse('2026-06-01T00:00:00Z'),
    })
    const findings = printDiagnostics(loaded.diagnostics, () => text)
    const shown = [...text.matchAll(/^# show: (.*)$/gm)].map(([, show = '']) =>
      JSON.stringify(plainModel(select({ config: loaded.config, objects: loaded.objects }, show), isPlace), null, 2),
    )
    const actual = [findings.trimEnd(), ...shown].filter((part) => part !== '').join('\n')
    if (process.env['GOLDEN_UPDATE'] === '1')
      writeFileSync(path, `${input}${SEPARATOR}${actual === '' ? 'ok' : actual}\n`)
    else assert.equal(actual === '' ? 'ok' : actual, expected?.trimEnd())
  })
}
