// `npm test`: runs each test/**/*.test.ts in a process of its own, prints one line per file and every failure in full,
// and ends with the line `N passed, N failed` (and `, N skipped`).
// Arguments: files or folders, --grep <pattern>, --verbose. Environment: TEST_CONCURRENCY (default: the cores, at most 4);
// CI: a few files that failed beside others are run once more by themselves, and named as unsteady when they then pass.
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { runTestFile } from './test-file.mjs'

/** @typedef {import('./test-file.mjs').FileResult} FileResult */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { grep: { type: 'string' }, verbose: { type: 'boolean', default: false } },
})

const waiting = chooseFiles(positionals)
if (waiting.length === 0) {
  process.stderr.write(`no test file matches ${positionals.join(' ')}\n`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'))
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const concurrency = Number(process.env['TEST_CONCURRENCY'] ?? Math.min(4, availableParallelism()))

/** Beyond so many failed files something is broken, not unsteady. */
const MOST_FILES_AGAIN = 4

/** @type {FileResult[]} */
const results = []
/** @type {{ readonly file: string, readonly name: string, readonly detail: string }[]} */
const unsteady = []
await Promise.all(Array.from({ length: Math.max(1, concurrency) }, runWaiting))
if (process.env['CI'] !== undefined) await runFailedAgain()
printSummary()

/**
 * All test files, or those that are named or lie in a named folder.
 *
 * @param {readonly string[]} names
 */
function chooseFiles(names) {
  const all = globSync('test/**/*.test.ts').sort()
  if (names.length === 0) return all
  const wanted = names.map((name) => relative('.', resolve(name)))
  return all.filter((file) => wanted.some((name) => file === name || file.startsWith(`${name}/`)))
}

async function runWaiting() {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const result = await runTestFile(file, { folder, grep: values.grep })
    results.push(result)
    printFile(result)
  }
}

/** A machine that is busy elsewhere fails tests that wait for it. What fails by itself, too, has failed. */
async function runFailedAgain() {
  const failed = results.filter((result) => count(result, 'failed') > 0)
  if (failed.length === 0 || failed.length > MOST_FILES_AGAIN) return
  for (const before of failed) {
    process.stdout.write(`once more, alone: ${before.file}\n`)
    const result = await runTestFile(before.file, { folder, grep: values.grep })
    printFile(result)
    if (count(result, 'failed') > 0) continue
    results[results.indexOf(before)] = result
    for (const { outcome, name, detail } of before.tests)
      if (outcome === 'failed') unsteady.push({ file: before.file, name, detail })
  }
}

/** @param {FileResult} result */
function printFile(result) {
  const counts = [`${count(result, 'passed')}`]
  if (count(result, 'failed') > 0) counts.push(`${count(result, 'failed')} failed`)
  if (count(result, 'skipped') > 0) counts.push(`${count(result, 'skipped')} skipped`)
  const mark = count(result, 'failed') > 0 ? 'FAIL' : 'ok  '
  process.stdout.write(`${mark} ${result.file} (${counts.join(', ')}; ${(result.milliseconds / 1000).toFixed(1)} s)\n`)
  if (values.verbose) {
    for (const { outcome, name } of result.tests) process.stdout.write(`       ${outcome.padEnd(7)} ${name}\n`)
  }
  if (result.output !== '' && (values.verbose || count(result, 'failed') > 0)) {
    process.stdout.write(`${indent(result.output.trimEnd(), 5)}\n`)
  }
}

function printSummary() {
  const list = results.sort((a, b) => (a.file < b.file ? -1 : 1))
  for (const outcome of /** @type {const} */ (['skipped', 'failed'])) {
    const tests = list.flatMap((result) =>
      result.tests.filter((test) => test.outcome === outcome).map((test) => ({ ...test, file: result.file })),
    )
    if (tests.length > 0) process.stdout.write(`\n${outcome}:\n`)
    for (const { file, name, detail } of tests) {
      const text = outcome === 'skipped' ? (detail === '' ? '' : ` (${detail})`) : `\n${indent(detail, 6)}\n`
      process.stdout.write(`  ${file}: ${name}${text}\n`)
    }
  }
  if (unsteady.length > 0) process.stdout.write('\nunsteady: failed beside other tests, passed alone:\n')
  for (const { file, name, detail } of unsteady) process.stdout.write(`  ${file}: ${name}\n${indent(detail, 6)}\n`)
  const [passed, failed, skipped] = /** @type {const} */ (['passed', 'failed', 'skipped']).map((outcome) =>
    list.reduce((sum, result) => sum + count(result, outcome), 0),
  )
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`)
  process.exitCode = failed !== 0 || passed === 0 ? 1 : 0
}

/**
 * @param {FileResult} result
 * @param {'passed' | 'failed' | 'skipped'} outcome
 */
function count(result, outcome) {
  return result.tests.filter((test) => test.outcome === outcome).length
}

/**
 * @param {string} text
 * @param {number} width
 */
function indent(text, width) {
  return text.replaceAll(/^/gm, ' '.repeat(width))
}
