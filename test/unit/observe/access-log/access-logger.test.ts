import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { AccessLogConfig, LogFilter, LogFormat } from '../../../../src/config/model/access-log.ts'
import { NOWHERE } from '../../../../src/config/model/place.ts'
import { accessLogger } from '../../../../src/observe/access-log/access-logger.ts'
import { LogSinks } from '../../../../src/observe/access-log/sinks.ts'
import { exchangeFacts, template } from '../../../support/exchange-facts.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-log-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const textFormat = (source: string): LogFormat => ({ kind: 'text', template: template(source), omitEmpty: false })

const config = (path: string, format: LogFormat, filter?: LogFilter): AccessLogConfig => ({
  target: { kind: 'file', path },
  format,
  filter,
  place: NOWHERE,
})

/** Sinks that fail the test when something goes wrong with a file. */
const sinks = (): LogSinks => new LogSinks((target, message) => assert.fail(`${target}: ${message}`))

test('lines of two loggers on one path are whole, in order, and go through one sink', () => {
  const path = join(folder, 'shared.log')
  const shared = sinks()
  const text = accessLogger(config(path, textFormat('%RESPONSE_CODE% %CLOSED_BY%\n')), shared)
  const json = accessLogger(
    config(path, { kind: 'json', fields: { code: template('%RESPONSE_CODE%') }, omitEmpty: false, typed: true }),
    shared,
  )
  assert.equal(shared.open({ kind: 'file', path }), shared.open({ kind: 'file', path }))
  for (let round = 0; round < 500; round++) {
    text.log(exchangeFacts())
    json.log(exchangeFacts({ responseCode: 200 }))
  }
  shared.close()
  assert.equal(readFileSync(path, 'utf8'), '101 client\n{"code":200}\n'.repeat(500))
})

test('the filter keeps lines away', () => {
  const path = join(folder, 'filtered.log')
  const own = sinks()
  const errors: LogFilter = { kind: 'status', comparison: { op: 'GE', value: 500 } }
  const logger = accessLogger(config(path, textFormat('%RESPONSE_CODE%\n'), errors), own)
  for (const responseCode of [101, 503, 200, 500]) logger.log(exchangeFacts({ responseCode }))
  own.close()
  assert.equal(readFileSync(path, 'utf8'), '503\n500\n')
})

test('after a rotation lines go to the new file', async () => {
  const path = join(folder, 'rotated.log')
  const own = sinks()
  const logger = accessLogger(config(path, textFormat('%RESPONSE_CODE%\n')), own)
  logger.log(exchangeFacts({ responseCode: 201 }))
  own.flush()
  renameSync(path, `${path}.1`)
  logger.log(exchangeFacts({ responseCode: 202 }))
  own.reopen()
  logger.log(exchangeFacts({ responseCode: 203 }))
  await contains(path, '203\n')
  own.close()
  assert.equal(readFileSync(`${path}.1`, 'utf8'), '201\n202\n')
  assert.equal(readFileSync(path, 'utf8'), '203\n')
})

test('a line is written without waiting for the batch to fill', async () => {
  const path = join(folder, 'single.log')
  const own = sinks()
  accessLogger(config(path, textFormat('%RESPONSE_CODE%\n')), own).log(exchangeFacts())
  await contains(path, '101\n')
  own.close()
})

test('a path that cannot be opened is told when the logger is made', () => {
  const path = join(folder, 'missing', 'x.log')
  assert.throws(() => accessLogger(config(path, textFormat('x')), sinks()), /ENOENT/)
})

test('the standard streams get their lines at the end of the process', () => {
  const module = fileURLToPath(new URL('../../../../src/observe/access-log/sinks.ts', import.meta.url))
  const script = `
    const { LogSinks } = await import(${JSON.stringify(module)})
    const sinks = new LogSinks(() => {})
    sinks.open({ kind: 'file', path: '/dev/stdout' }).write('out 1\\n')
    sinks.open({ kind: 'stdout' }).write('out 2\\n')
    sinks.open({ kind: 'stderr' }).write('err\\n')
  `
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.deepEqual([child.stdout, child.stderr, child.status], ['out 1\nout 2\n', 'err\n', 0])
})

/** Waits for the file to hold `text`; the test's own timeout ends it otherwise. */
async function contains(path: string, text: string): Promise<void> {
  for (;;) {
    if (read(path).includes(text)) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
