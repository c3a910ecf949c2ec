// Runs the real program as a child process: writes the configuration, waits until its admin says LIVE, and stops it with
// SIGTERM. What it printed is shown when something about it fails.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type YamlMap, yamlText } from './envoy-config.ts'
import { until } from './waiting.ts'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const START_MS = 30_000
const STOP_MS = 10_000

export interface AdminAnswer {
  readonly status: number
  readonly body: string
}

/** One open tunnel in `/connections`, as far as tests look. */
export interface ListedTunnel {
  readonly id: number
  readonly type: string
  readonly method: string
  readonly path: string
  readonly endpoint: string
  readonly hops: { readonly downstream: string; readonly upstream: string; readonly note: string }
  readonly from_client: { readonly bytes: number; readonly messages: number | null; readonly queued_bytes: number }
  readonly from_upstream: { readonly bytes: number; readonly messages: number | null; readonly queued_bytes: number }
}

export interface ProxyProcess {
  readonly folder: string
  readonly pid: number
  /** The bound port of a listener. */
  port(listener: string): number
  readonly adminAddress: string
  admin(path: string, method?: string): Promise<AdminAnswer>
  stats(): Promise<ReadonlyMap<string, number>>
  /** A single statistic; fails when there is none of that name. */
  stat(name: string): Promise<number>
  /** Waits until a statistic has a value. */
  statBecomes(name: string, value: number): Promise<void>
  tunnels(): Promise<readonly ListedTunnel[]>
  /** What the program wrote so far. */
  output(): string
  /** Sends a signal. */
  signal(name: NodeJS.Signals): void
  /** Resolves to the exit code, or the signal's name. */
  readonly exited: Promise<number | string>
  /** SIGTERM; fails unless the program ends by itself with code 0. */
  stop(): Promise<void>
}

export interface ProxyOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts `config` and waits until it serves. Open tunnels are cut at the stop unless `args` say otherwise. */
export const startProxy = (config: YamlMap, options: ProxyOptions = {}): Promise<ProxyProcess> =>
  startText(yamlText(config), options)

/** The same for text of any dialect; one without admin interface needs `--admin` among its arguments. */
export async function startText(
  text: string,
  { args = ['--drain-time-s', '0'], env = {} }: ProxyOptions = {},
): Promise<ProxyProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-proxy-'))
  const file = join(folder, 'envoy.yaml')
  writeFileSync(file, text)
  return startPath(folder, file, { args, env })
}

/** The same for a folder of files, which is given whole; one without admin interface needs `--admin` among its arguments. */
export async function startFolder(
  files: Readonly<Record<string, string>>,
  options: ProxyOptions = {},
): Promise<ProxyProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-proxy-'))
  return startPath(folder, writeFolder(join(folder, 'config'), files), options)
}

/** Writes files, by their paths within the folder, and answers with its path. */
export function writeFolder(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return folder
}

async function startPath(
  folder: string,
  path: string,
  { args = ['--drain-time-s', '0'], env = {} }: ProxyOptions,
): Promise<ProxyProcess> {
  const addressFile = join(folder, 'admin')
  const running = runSluice(['run', '-c', path, '--admin-address-path', addressFile, ...args], env)
  const adminAddress = await until(
    () => {
      if (running.ended !== undefined)
        throw new Error(`sluice ended with ${running.ended} instead of serving:\n${running.output()}`)
      return readAddress(addressFile)
    },
    { what: 'the proxy to listen', ms: START_MS, detail: running.output },
  )
  const ports = await listenerPorts(adminAddress)
  return new Running(folder, running, adminAddress, ports)
}

/** A started program and what it has printed. */
export interface RunningProgram {
  readonly child: ChildProcess
  readonly ended: number | string | undefined
  readonly exited: Promise<number | string>
  output(): string
  stdout(): string
  stderr(): string
}

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Runs `sluice` with any arguments. Killed with the test process. */
export function runSluice(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningProgram {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  children.add(child)
  const texts = { stdout: '', stderr: '', all: '' }
  const keep = (stream: 'stdout' | 'stderr') => (chunk: string) => {
    texts[stream] += chunk
    texts.all += chunk
  }
  child.stdout.setEncoding('utf8').on('data', keep('stdout'))
  child.stderr.setEncoding('utf8').on('data', keep('stderr'))
  let ended: number | string | undefined
  const exited = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      children.delete(child)
      ended = code ?? signal ?? 'nothing'
      resolve(ended)
    })
  })
  return {
    child,
    exited,
    get ended() {
      return ended
    },
    output: () => texts.all,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
  }
}

class Running implements ProxyProcess {
  readonly folder: string
  readonly adminAddress: string
  readonly exited: Promise<number | string>
  readonly #program: RunningProgram
  readonly #ports: ReadonlyMap<string, number>

  constructor(folder: string, program: RunningProgram, adminAddress: string, ports: ReadonlyMap<string, number>) {
    this.folder = folder
    this.adminAddress = adminAddress
    this.exited = program.exited
    this.#program = program
    this.#ports = ports
  }

  get pid(): number {
    return this.#program.child.pid ?? 0
  }

  port(listener: string): number {
    const port = this.#ports.get(listener)
    if (port === undefined) throw new Error(`no listener ${listener}; there are ${[...this.#ports.keys()].join(', ')}`)
    return port
  }

  admin(path: string, method = 'GET'): Promise<AdminAnswer> {
    return ask(this.adminAddress, path, method)
  }

  async stats(): Promise<ReadonlyMap<string, number>> {
    const { body } = await this.admin('/stats?type=All&histogram_buckets=none')
    const stats = new Map<string, number>()
    for (const line of body.split('\n')) {
      const split = line.lastIndexOf(': ')
      const value = Number(line.slice(split + 2))
      if (split > 0 && !Number.isNaN(value)) stats.set(line.slice(0, split), value)
    }
    return stats
  }

  async stat(name: string): Promise<number> {
    const stats = await this.stats()
    const value = stats.get(name)
    if (value === undefined) throw new Error(`no statistic ${name} among ${stats.size}`)
    return value
  }

  async statBecomes(name: string, value: number): Promise<void> {
    let seen = Number.NaN
    await until(
      async () => {
        seen = await this.stat(name)
        return seen === value || undefined
      },
      { what: `${name} to become ${value}`, ms: 5000, detail: () => `it is ${seen}` },
    )
  }

  async tunnels(): Promise<readonly ListedTunnel[]> {
    const { body } = await this.admin('/connections')
    const parsed: { connections: ListedTunnel[] } = JSON.parse(body)
    return parsed.connections
  }

  output(): string {
    return this.#program.output()
  }

  signal(name: NodeJS.Signals): void {
    this.#program.child.kill(name)
  }

  async stop(): Promise<void> {
    const program = this.#program
    if (program.ended === undefined) program.child.kill('SIGTERM')
    const late = setTimeout(() => program.child.kill('SIGKILL'), STOP_MS)
    const code = await this.exited
    clearTimeout(late)
    rmSync(this.folder, { recursive: true, force: true })
    assert.equal(code, 0, `the proxy must end cleanly; it printed:\n${program.output()}`)
    // A fault that was caught is still a fault.
    assert.doesNotMatch(program.output(), /Error:|\n {4}at /, 'the proxy must not print a fault')
  }
}

function readAddress(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8') || undefined
  } catch {
    return undefined
  }
}

async function listenerPorts(adminAddress: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await ask(adminAddress, '/listeners', 'GET')
  const ports = new Map<string, number>()
  for (const line of body.split('\n')) {
    const match = /^(.*?)::.*:(\d+)$/.exec(line)
    if (match?.[1] !== undefined) ports.set(match[1], Number(match[2]))
  }
  return ports
}

function ask(address: string, path: string, method: string): Promise<AdminAnswer> {
  const split = address.lastIndexOf(':')
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: address.slice(0, split), port: Number(address.slice(split + 1)), path, method, agent: false },
      (answer) => {
        let body = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
        answer.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end()
  })
}
