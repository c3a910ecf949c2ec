// Compiles the load generator (bench/load/*.c: client and origin in one process) and runs it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Load, Shape } from './workload.ts'
import { hasEnded, start, stop } from './process/children.ts'
import type { ChildProcess } from 'node:child_process'

const sources = join(import.meta.dirname, 'load')
const buildDirectory = join(import.meta.dirname, 'build')
const binary = join(buildDirectory, 'load')

/** What the generator prints at the end of a measurement: see load/measure.c. */
export interface Measurement {
  /** Messages, requests, tunnels or bytes. */
  readonly units: number
  readonly wallNs: number
  /** Run time of the proxy's live threads (schedstat). */
  readonly proxyNs: number
  /** utime + stime of the proxy, ended threads included, in steps of a clock tick. */
  readonly proxyTickNs: number
  /** CPU time of client and origin together. */
  readonly loadNs: number
  readonly p50Us?: number
  readonly p99Us?: number
}

/** The proxy answered wrongly, not at all, or the load could not be made: never a figure. */
export class WrongAnswer extends Error {}

export function compileGenerator(): void {
  mkdirSync(buildDirectory, { recursive: true })
  const files = readdirSync(sources).map((name) => join(sources, name))
  if (isNewer(binary, files)) return
  try {
    execFileSync(
      'gcc',
      [
        '-O2',
        '-std=gnu17',
        '-Wall',
        '-Wextra',
        '-o',
        binary,
        ...files.filter((name) => name.endsWith('.c')),
        '-lssl',
        '-lcrypto',
        '-lnghttp2',
      ],
      { stdio: 'pipe', encoding: 'utf8' },
    )
  } catch (error) {
    throw new Error(
      `the load generator does not compile; it needs gcc, libssl-dev and libnghttp2-dev\n${stderrOf(error)}`,
      { cause: error },
    )
  }
}

function isNewer(file: string, than: readonly string[]): boolean {
  const built = statSync(file, { throwIfNoEntry: false })
  return built !== undefined && than.every((name) => statSync(name).mtimeMs < built.mtimeMs)
}

export interface Target {
  readonly shape: Shape
  readonly listenPort: number
  /** Unix socket that lends the origin's listening socket. */
  readonly origin: string
  readonly pids: readonly number[]
}

function command(load: Load, target: Target, warmSeconds: number, seconds: number): string[] {
  const given = {
    '--job': load.job,
    '--proxy-port': target.listenPort,
    '--origin': target.origin,
    '--http': target.shape.downstream === 'http2' ? 2 : 1,
    '--tls': target.shape.tls ? 1 : 0,
    '--connections': load.connections,
    '--streams': load.streams ?? 1,
    '--size': load.size ?? 64,
    '--burst': load.burst ?? 1,
    '--rate': load.rate ?? 1000,
    '--warm-ms': Math.round(warmSeconds * 1000),
    '--measure-ms': Math.round(seconds * 1000),
  }
  return [...Object.entries(given), ...target.pids.map((pid) => ['--pid', pid] as const)].flat().map(String)
}

/** One measurement. Throws WrongAnswer. */
export async function measure(
  load: Load,
  target: Target,
  core: string,
  warmSeconds: number,
  seconds: number,
): Promise<Measurement> {
  const child = start(binary, command(load, target, warmSeconds, seconds), { cores: core })
  const limit = setTimeout(
    () => {
      void stop(child)
    },
    (45 + warmSeconds + seconds) * 1000,
  )
  try {
    return await firstLine<Measurement>(child)
  } finally {
    clearTimeout(limit)
    await stop(child)
  }
}

/** Opens idle WebSockets, calls `whileOpen` when all stand, and closes them. Throws WrongAnswer. */
export async function hold<T>(load: Load, target: Target, core: string, whileOpen: () => Promise<T>): Promise<T> {
  const child = start(binary, command(load, target, 0, 0), { cores: core })
  try {
    await firstLine<{ ready: true }>(child)
    const result = await whileOpen()
    if (hasEnded(child)) throw new WrongAnswer('the idle connections did not stay open')
    return result
  } finally {
    child.stdin?.end()
    await stop(child)
  }
}

/** Keeps the origin's port listening until stopped and lends it to runs at `origin`; see load/hold.h. */
export async function holdPort(port: number, origin: string, core: string): Promise<ChildProcess> {
  const child = start(binary, ['--origin', origin, '--hold-port', String(port)], { cores: core })
  await firstLine<{ ready: true }>(child)
  return child
}

async function firstLine<T>(child: ChildProcess): Promise<T> {
  const text = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (text.includes('\n')) resolve(text)
    })
    child.once('error', reject)
    child.once('close', () => {
      resolve(text)
    })
  })
  if (text === '') throw new WrongAnswer('the load generator ended without a result')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the load program is ours and answers in this shape
  const answer = JSON.parse(text) as T | { error: string }
  if (typeof answer === 'object' && answer !== null && 'error' in answer) throw new WrongAnswer(answer.error)
  return answer
}

const stderrOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : ''
