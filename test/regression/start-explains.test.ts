// Starts that went wrong without a word an operator can use: an access log that cannot be opened was a bare system error
// without its place, and an empty configuration file ran in silence.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bootstrap, cluster, fileLog, listener, route, yamlText } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { runSluice } from '../support/proxy-process.ts'
import { until } from '../support/waiting.ts'

let folder: string

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-start-'))
})

after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

test('an access log that cannot be opened is one sentence with its place', async () => {
  for (const [path, why] of [
    [join(folder, 'no', 'such', 'access.log'), 'the folder does not exist'],
    [folder, 'it is a folder'],
  ] as const) {
    const file = join(folder, 'envoy.yaml')
    const hcm = { access_log: [fileLog(path, 'x\n')] }
    writeFileSync(
      file,
      yamlText(
        bootstrap([listener({ name: 'web', routes: [route('/', 'app')], hcm })], [cluster({ name: 'app', port: 9 })]),
      ),
    )
    const run = runSluice(['run', '-c', file])
    assert.equal(await run.exited, 1)
    assert.match(
      run.stderr(),
      new RegExp(`^sluice: ${file}:\\d+(:\\d+)?: cannot open the access log ${path}: ${why}\n$`),
    )
  }
})

test('a configuration without a listener says that nothing is served', async () => {
  const file = join(folder, 'empty.yaml')
  writeFileSync(file, '')
  const run = runSluice(['run', '-c', file])
  await until(() => /warning .*no listener: nothing is served/.test(run.output()) || undefined, {
    what: 'a warning',
    ms: 10_000,
    detail: run.output,
  })
  run.child.kill('SIGTERM')
  assert.equal(await run.exited, 0)
})
