// The real program on a folder of manifests, each in a file of its own, on free ports; and `sluice status` on such a folder.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { type Answer, type Ask, askAt, manifestText, type Piece } from './gateway-world.ts'
import { type ProxyOptions, type ProxyProcess, runSluice, startFolder, writeFolder } from './proxy-process.ts'
import { within } from './waiting.ts'

export interface GatewayProgram {
  readonly proxy: ProxyProcess
  /** The port that stands for the manifest's. */
  port(manifestPort?: number): number
  ask(ask?: Ask): Promise<Answer>
  stop(): Promise<void>
}

const PORTS = [80, 443, 8080, 8443, 9000]

/** Ports of the manifests as free ones. */
export const PORT_MAP: readonly string[] = PORTS.flatMap((port) => ['--port-map', `${port}=0`])

/** Runs `sluice run -c FOLDER`; open tunnels are cut at the stop unless `args` say otherwise. */
export async function startProgram(
  manifests: readonly (Piece | string)[],
  { args = ['--drain-time-s', '0'], env = {} }: ProxyOptions = {},
): Promise<GatewayProgram> {
  const proxy = await startFolder(filesOf(manifests), { args: ['--admin', '127.0.0.1:0', ...PORT_MAP, ...args], env })
  const port = (manifestPort = 80): number => proxy.port(`127.0.0.1:${manifestPort}`)
  return {
    proxy,
    port,
    ask: (ask = {}) => askAt(port(ask.port ?? (ask.tls === undefined ? 80 : 443)), ask),
    stop: () => proxy.stop(),
  }
}

/** A file for each manifest. */
export const filesOf = (manifests: readonly (Piece | string)[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    manifests.map((each, index) => [`${String(index).padStart(3, '0')}.yaml`, `${manifestText([each])}\n`]),
  )

export interface StatusRun {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
  readonly objects: readonly StatusObject[]
}

export interface StatusObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly status?: unknown
}

/** Runs `sluice status -c FOLDER`. */
export async function runStatus(
  files: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<StatusRun> {
  const folder = writeFolder(mkdtempSync(join(tmpdir(), 'sluice-status-')), files)
  try {
    const program = runSluice(['status', '-c', folder, ...flags])
    const code = await within(program.exited, 'sluice status', 60_000)
    const stdout = program.stdout()
    return { code, stdout, stderr: program.stderr(), objects: read(stdout) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function read(text: string): readonly StatusObject[] {
  if (text.startsWith('[') || text.startsWith('{')) {
    const value: { readonly items?: readonly StatusObject[] } & readonly StatusObject[] = parse(text)
    return value.items ?? value
  }
  const documents = parseAllDocuments(text)
  return 'empty' in documents ? [] : documents.map((each): StatusObject => each.toJS())
}

/** `Accepted=False/InvalidKind` and so on: every condition anywhere in an object's status, in the order of the text. */
export function conditionsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(conditionsIn)
  if (typeof value !== 'object' || value === null) return []
  if ('type' in value && 'status' in value && 'reason' in value)
    return [`${String(value.type)}=${String(value.status)}/${String(value.reason)}`]
  return Object.values(value).flatMap(conditionsIn)
}
