// Golden cases of the Envoy dialect: each file holds a bootstrap, a line of dashes, and what loading it must give: the
// findings as printed, or the part of the model that the first line (`# show: path`) names.
// `GOLDEN_UPDATE=1` writes what came out; read the difference before it is kept.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadEnvoy } from '../../src/config/envoy/index.ts'
import { printDiagnostics } from '../../src/config/diagnostics.ts'
import { isPlace, plainModel, select } from '../support/plain-model.ts'

const folder = join(import.meta.dirname, 'envoy')
const SEPARATOR = '\n----------\n'

for (const file of readdirSync(folder).sort()) {
  test(`golden envoy ${file.replace(/\.yaml$/, '').replaceAll('-', ' ')}`, async () => {
    const path = join(folder, file)
    const [input = '', expected] = readFileSync(path, 'utf8').split(SEPARATOR)
    const text = `${input}\n`
    const options = [...text.matchAll(/^# option: (\S+)$/gm)].map((match) => match[1])
    const { config, diagnostics } = await loadEnvoy([{ kind: 'text', name: 'envoy.yaml', text }], {
      allowUnknownFields: options.includes('allow-unknown-static-fields'),
      environment: { SECRET_BODY: 'from the environment' },
      now: Date.parse('2026-06-01T00:00:00Z'),
    })
    const findings = printDiagnostics(diagnostics, () => text)
    const show = /^# show: (.*)$/m.exec(text)?.[1]
    assert.ok(config !== undefined || findings !== '', 'a refusal says why')
    const model =
      config === undefined || show === undefined
        ? ''
        : JSON.stringify(plainModel(select(config, show), isPlace), null, 2)
    const actual = [findings.trimEnd(), model].filter((part) => part !== '').join('\n')
    if (process.env['GOLDEN_UPDATE'] === '1')
      writeFileSync(path, `${input}${SEPARATOR}${actual === '' ? 'ok' : actual}\n`)
    else assert.equal(actual === '' ? 'ok' : actual, expected?.trimEnd())
  })
}
