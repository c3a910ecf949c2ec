// Runs programs of others beside the proxy under test: servers that stay until they are stopped, with their configuration
// in a temporary folder, and commands that run to their end. Killed with the test process.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { toolPath } from './tools.ts'
import { until } from './waiting.ts'

const START_MS = 10_000
const STOP_MS = 5000
const COMMAND_MS = 30_000

const children = new Set<ChildProcess>()
const folders = new Set<string>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

export interface ForeignServer {
  stop(): Promise<void>
}

export interface ServerRequest {
  readonly name: string
  /** The text of its configuration, if it has one; it may name files in `folder`. */
  readonly config?: (folder: string) => string
  /** Arguments; `file` is the path of the configuration. */
  readonly args: (file: string, folder: string) => readonly string[]
  /** Ports that it must serve before it counts as started. */
  readonly ports: readonly number[]
}

/** Starts a server and waits until it takes connections. */
export async function startForeign({ name, config, args, ports }: ServerRequest): Promise<ForeignServer> {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`))
  folders.add(folder)
  const file = join(folder, `${name}.conf`)
  writeFileSync(file, config?.(folder) ?? '')
  const { child, ended, output } = launch(name, args(file, folder))
  let over: number | string | undefined
  const exited = ended.then((code) => (over = code))
  for (const port of ports) {
    await until(
      () => {
        if (over !== undefined) throw new Error(`${name} ended with ${over} instead of serving:\n${output()}`)
        return accepts(port)
      },
      { what: `${name} to serve port ${port}`, ms: START_MS, detail: output },
    )
  }
  return {
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(late)
      rmSync(folder, { recursive: true, force: true })
      folders.delete(folder)
    },
  }
}

export interface CommandResult {
  /** The exit code, or the signal's name. */
  readonly code: number | string
  readonly stdout: string
  /** Both streams as they came. */
  readonly output: string
}

/** Runs a command, by name or by path, to its end. */
export async function runForeign(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const { child, ended, output, stdout } = launch(name, args, env)
  const late = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS)
  const code = await ended
  clearTimeout(late)
  return { code, stdout: stdout(), output: output() }
}

interface Launched {
  readonly child: ChildProcess
  readonly ended: Promise<number | string>
  stdout(): string
  output(): string
}

function launch(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Launched {
  const path = isAbsolute(name) ? name : toolPath(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  children.add(child)
  let stdout = ''
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      children.delete(child)
      resolve(code ?? signal ?? 'nothing')
    })
  })
  return { child, ended, stdout: () => stdout, output: () => output }
}

/** Ports of loopback that were free a moment ago, for programs that cannot choose one and tell. */
export async function freePorts<const N extends readonly string[]>(...names: N): Promise<Record<N[number], number>> {
  const servers = await Promise.all(names.map(() => listenAnywhere()))
  // Closed only when all are known, so that no port is given twice.
  const ports = await Promise.all(servers.map(({ port, close }) => close().then(() => port)))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries forgets the names
  return Object.fromEntries(names.map((name, index) => [name, ports[index] ?? 0])) as Record<N[number], number>
}

function listenAnywhere(): Promise<{ port: number; close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
      resolve({ port: address.port, close: () => new Promise((closed) => server.close(() => closed())) })
    })
  })
}

function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(undefined))
    socket.on('connect', () => socket.destroy())
  })
}
