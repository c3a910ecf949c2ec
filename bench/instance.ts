// A proxy (or a chain of two) running in one shape, ready to take load.
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Target, holdPort } from './generator.ts'
import type { Certificate, Peer } from './peers/peer.ts'
import { hasEnded, start, stop } from './process/children.ts'
import { accepts, freePort } from './process/ports.ts'
import { processTree } from './process/tree.ts'
import { type Shape, shapeKey } from './workload.ts'

/** The proxy does not start in this shape. */
export class NotAvailable extends Error {}

export interface Surroundings {
  readonly directory: string
  readonly certificate: Certificate
  readonly maximumFiles: number
  readonly proxyCores: string
  readonly loadCore: string
  readonly twoWorkerCores: string
}

export class Instance {
  readonly #shape: Shape
  readonly #processes: readonly ChildProcess[]
  readonly #listenPort: number
  readonly #holder: ChildProcess
  readonly #origin: string

  constructor(
    shape: Shape,
    processes: readonly ChildProcess[],
    listenPort: number,
    holder: ChildProcess,
    origin: string,
  ) {
    this.#shape = shape
    this.#processes = processes
    this.#listenPort = listenPort
    this.#holder = holder
    this.#origin = origin
  }

  get alive(): boolean {
    return !this.#processes.some(hasEnded)
  }

  /** Where the load goes and whose CPU time counts, as of now. */
  get target(): Target {
    const pids = this.#processes.flatMap((child) => processTree(child.pid ?? 0))
    return { shape: this.#shape, listenPort: this.#listenPort, origin: this.#origin, pids }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#processes, this.#holder].map(stop))
  }
}

let count = 0

/** Starts a proxy and waits until it listens. Throws NotAvailable with the proxy's own words. */
export async function startInstance(peer: Peer, shape: Shape, around: Surroundings): Promise<Instance> {
  const listenPort = await freePort()
  const originPort = await freePort()
  const origin = join(around.directory, `origin-${originPort}`)
  const holder = await holdPort(originPort, origin, around.loadCore)
  try {
    const processes = await startProxies(peer, shape, listenPort, originPort, around)
    return new Instance(shape, processes, listenPort, holder, origin)
  } catch (error) {
    await stop(holder)
    throw error
  }
}

async function startProxies(
  peer: Peer,
  shape: Shape,
  listenPort: number,
  originPort: number,
  around: Surroundings,
): Promise<ChildProcess[]> {
  if (!shape.chain) return [await startOne(peer, shape, listenPort, originPort, around)]
  const middlePort = await freePort()
  const [outer, inner] = hops(shape)
  const first = await startOne(peer, outer, listenPort, middlePort, around)
  try {
    return [first, await startOne(peer, inner, middlePort, originPort, around)]
  } catch (error) {
    await stop(first)
    throw error
  }
}

function hops(shape: Shape): readonly [Shape, Shape] {
  if (shape.tcp !== undefined)
    return [
      { ...shape, chain: false, tcp: 'enter' },
      { ...shape, chain: false, tcp: 'leave', tls: false },
    ]
  return [
    { ...shape, chain: false, upstream: 'http2' },
    { ...shape, chain: false, downstream: 'http2', tls: false },
  ]
}

async function startOne(
  peer: Peer,
  shape: Shape,
  listenPort: number,
  originPort: number,
  around: Surroundings,
): Promise<ChildProcess> {
  const directory = join(around.directory, `${peer.name}-${shapeKey(shape)}-${count++}`)
  const logFile = join(directory, 'output.log')
  mkdirSync(directory, { recursive: true })
  const site = {
    directory,
    listenPort,
    originPort,
    adminPort: await freePort(),
    shape,
    certificate: around.certificate,
    maximumFiles: around.maximumFiles,
  }
  const { file, args } = peer.prepare(site)
  const child = start(file, args, {
    cores: shape.workers > 1 ? around.twoWorkerCores : around.proxyCores,
    directory,
    logFile,
  })
  const listens = await accepts(listenPort, () => hasEnded(child))
  const processes = processTree(child.pid ?? 0).length
  if (listens && (peer.workersAreProcesses !== true || processes >= shape.workers)) return child
  await stop(child)
  if (listens) throw new NotAvailable(`it runs ${processes} process where ${shape.workers} workers were asked for`)
  throw new NotAvailable(lastWords(logFile))
}

function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at |^Node\.js/.test(line))
  return (
    lines
      .find((line) => /error|cannot|not /i.test(line))
      ?.trim()
      .slice(0, 160) ?? 'it did not listen and said nothing'
  )
}
