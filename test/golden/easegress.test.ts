// Golden cases of the Easegress dialect: each file holds objects, a line of dashes, and what loading them must give: the
// findings as printed, or the part of the model that the first line (`# show: path`) names.
// `GOLDEN_UPDATE=1` writes what came out; read the difference before it is kept.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadEasegress } from '../../src/config/easegress/index.ts'
import { printDiagnostics } from '../../src/config/diagnostics.ts'
import { isPlace, plainModel, select } from '../support/plain-model.ts'

const folder = join(import.meta.dirname, 'easegress')
const SEPARATOR = '\n----------\n'

for (const file of readdirSync(folder).sort()) {
  test(`golden easegress ${file.replace(/\.yaml$/, '').replaceAll('-', ' ')}`, async () => {
    const path = join(folder, file)
    const [input = '', expected] = readFileSync(path, 'utf8').split(SEPARATOR)
    const text = `${input}\n`
    const { config, diagnostics, objects } = await loadEasegress([{ kind: 'text', name: 'easegress.yaml', text }], {
      now: Date.parse('2026-06-01T00:00:00Z'),
    })
    const findings = printDiagnostics(diagnostics, () => text)
    assert.ok(config !== undefined || findings !== '', 'a refusal says why')
    const model = config === undefined ? undefined : { ...config, objects }
    const shown = [...text.matchAll(/^# show: (.*)$/gm)].map(([, what = '']) => {
      const value = select(model, what)
      if (model === undefined) return ''
      return value === undefined ? `${what}: nothing` : JSON.stringify(plainModel(value, isPlace), shortened, 2)
    })
    const actual = [findings.trimEnd(), ...shown].filter((part) => part !== '').join('\n')
    if (process.env['GOLDEN_UPDATE'] === '1')
      writeFileSync(path, `${input}${SEPARATOR}${actual === '' ? 'ok' : actual}\n`)
    else assert.equal(actual === '' ? 'ok' : actual, expected?.trimEnd())
  })
}

/** Every 5xx by itself would bury the rest. */
const shortened = (_key: string, value: unknown): unknown =>
  Array.isArray(value) && value.length > 20 ? `${value.length} values` : value
