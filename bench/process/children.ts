// Every process the benchmark starts is registered here and ends with it, also on Ctrl-C and on a crash of the harness.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { processTree } from './tree.ts'

const running = new Set<ChildProcess>()

export interface StartOptions {
  readonly cores: string
  readonly directory?: string
  /** Where standard output and error go; absent: standard output is a pipe, standard error inherited. */
  readonly logFile?: string
  readonly environment?: NodeJS.ProcessEnv
}

/** Starts a program pinned to cores. It dies with this process: setpriv sets the parent-death signal, and each wrapper execs the next. */
export function start(file: string, args: readonly string[], options: StartOptions): ChildProcess {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a')
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'taskset', '-c', options.cores, file, ...args], {
    cwd: options.directory,
    env: options.environment ?? process.env,
    stdio: log === undefined ? ['pipe', 'pipe', 'inherit'] : ['ignore', log, log],
  })
  if (log !== undefined) closeSync(log)
  running.add(child)
  child.once('exit', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

/** Ends a program and what it started: TERM, then KILL after 3 seconds. */
export async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve()
    }),
  )
  const tree = processTree(child.pid ?? 0)
  child.kill('SIGTERM')
  const timer = setTimeout(() => {
    kill(tree)
  }, 3000)
  await ended
  clearTimeout(timer)
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}

/** Makes every way out of the harness take the children along. `atEnd` runs last. */
export function endWithChildren(atEnd: () => void): void {
  process.once('exit', () => {
    for (const child of running) kill(processTree(child.pid ?? 0))
    atEnd()
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      process.stderr.write(`\nended by ${signal}\n`)
      process.exit(130)
    })
  }
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      if (pid > 0) process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
  }
}
