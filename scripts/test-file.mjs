// Runs one test file in a Node of its own and tells what became of each test in it. Called by scripts/test.mjs.
// node:test's own runner is not used: it lets a file that never exits hang the whole run.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {import('./test-events.mjs').TestOutcome} TestOutcome
 * @typedef {{ file: string, milliseconds: number, tests: TestOutcome[], output: string }} FileResult
 */

/** A file whose process lives longer than this is killed and counted as failed. */
const fileTimeoutMilliseconds = 180_000

/** A single test that takes longer than this fails. */
const testTimeoutMilliseconds = 60_000

/** Output of one file beyond this is cut from the front. */
const outputLimit = 64 * 1024

const reporter = fileURLToPath(new URL('test-events.mjs', import.meta.url))

/**
 * @param {string} file
 * @param {{ folder: string, grep?: string | undefined }} options `folder` takes the temporary event file
 * @returns {Promise<FileResult>}
 */
export async function runTestFile(file, { folder, grep }) {
  const eventsFile = join(folder, file.replaceAll(/[\\/]/g, '+'))
  const args = [
    '--expose-gc', // tests in test/memory read the heap after forced collections
    '--disable-warning=ExperimentalWarning',
    `--test-timeout=${testTimeoutMilliseconds}`,
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${eventsFile}`,
    ...(grep === undefined ? [] : [`--test-name-pattern=${grep}`]),
    file,
  ]
  const started = performance.now()
  const { ending, output } = await runToEnd(args)
  const tests = readOutcomes(eventsFile)
  if (ending !== 'exit 0' && !(ending === 'exit 1' && tests.some((test) => test.outcome === 'failed'))) {
    tests.push({ name: 'the whole file', outcome: 'failed', detail: explainEnding(ending, output) })
  }
  return { file, milliseconds: performance.now() - started, tests, output }
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ ending: string, output: string }>}
 */
function runToEnd(args) {
  return new Promise((settle) => {
    let output = ''
    let timedOut = false
    // A process group of its own, so that what a test has started (nginx, curl, a browser) ends with it.
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // The whole group has already ended.
      }
    }
    const timer = setTimeout(() => {
      timedOut = true
      killGroup()
    }, fileTimeoutMilliseconds)
    process.on('exit', killGroup)
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (/** @type {string} */ text) => {
        output = (output + text).slice(-outputLimit)
      })
    }
    child.on('error', (error) => (output += error.message))
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      process.off('exit', killGroup)
      settle({ ending: timedOut ? 'timeout' : signal === null ? `exit ${code}` : signal, output })
    })
  })
}

/**
 * @param {string} eventsFile
 * @returns {TestOutcome[]}
 */
function readOutcomes(eventsFile) {
  if (!existsSync(eventsFile)) return []
  const lines = readFileSync(eventsFile, 'utf8').split('\n')
  // A killed process may leave half a line at the end.
  return lines.slice(0, -1).map((line) => JSON.parse(line))
}

/**
 * @param {string} ending
 * @param {string} output
 */
function explainEnding(ending, output) {
  if (ending === 'timeout') {
    return `did not exit within ${fileTimeoutMilliseconds / 1000} s; something is still open (a socket, a server, a timer)`
  }
  return `the process ended with ${ending}\n${output.split('\n').slice(-30).join('\n')}`
}
