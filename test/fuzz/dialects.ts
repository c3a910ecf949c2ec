// Fuzzer of the dialects whose objects come from files: whatever a text says, loading it answers, and soon, with a
// configuration or with reasons, which the model's plain form can show. `npm run fuzz`.

import assert from 'node:assert/strict'
import type { LoadedConfig } from '../../src/config/dialect.ts'
import { loadEasegress } from '../../src/config/easegress/index.ts'
import { loadGatewayApi } from '../../src/config/gateway-api/index.ts'
import { plainModel } from '../../src/config/model/plain-model.ts'
import type { SourceText } from '../../src/config/source/read-file.ts'
import { Choices } from '../support/random.ts'
import { goldenInputs, mutated } from './mutated-yaml.ts'

/** CPU seconds that no text of a golden file's size may take. */
const SECONDS = 4
/** Loading is much more work than the other fuzzers' inputs. */
const SHARE = 10

type Load = (sources: readonly SourceText[]) => Promise<LoadedConfig>

export const fuzzEasegressObjects = (runs: number, seed: number): Promise<void> =>
  fuzzLoader('easegress', (sources) => loadEasegress(sources), runs, seed)

export const fuzzGatewayApiManifests = (runs: number, seed: number): Promise<void> =>
  fuzzLoader('gateway-api', (sources) => loadGatewayApi(sources), runs, seed)

async function fuzzLoader(dialect: string, load: Load, runs: number, seed: number): Promise<void> {
  const choices = new Choices(seed)
  const inputs = goldenInputs(dialect)
  for (let run = 0; run < runs; run += SHARE) {
    const text = mutated(choices.pick(inputs), choices)
    const before = process.cpuUsage()
    const loaded = await load([{ kind: 'text', name: 'fuzz.yaml', text }]).catch((error: unknown) => {
      throw new Error(`loading threw for this text:\n${text}`, { cause: error })
    })
    const { user, system } = process.cpuUsage(before)
    assert.ok((user + system) / 1e6 < SECONDS, `loading took ${(user + system) / 1e6} s for this text:\n${text}`)
    check(loaded, text)
  }
}

function check({ config, diagnostics }: LoadedConfig, text: string): void {
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  assert.ok(config !== undefined || errors.length > 0, `refused without a reason:\n${text}`)
  for (const { place, message } of diagnostics) {
    assert.equal(place.file, 'fuzz.yaml', text)
    assert.notEqual(message, '', text)
  }
  if (config !== undefined) JSON.stringify(plainModel(config))
  assert.equal(Reflect.has({}, 'polluted') || Object.keys(Object.prototype).length > 0, false, text)
}
