// One worker as the main process sees it: a child process that is asked for snapshots and told what to do.

import { fork, type ChildProcess } from 'node:child_process'
import type { FromWorker, ToWorker, WorkerListener, WorkerSnapshot } from './messages.ts'

/** How long a worker may take to answer before its last snapshot stands in, ms. */
const ANSWER_LIMIT_MS = 2000

export class WorkerProcess {
  readonly index: number
  readonly exited: Promise<void>
  last: WorkerSnapshot | undefined
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (snapshot: WorkerSnapshot | undefined) => void>()
  #asked = 0

  /** Starts the same program with the same command line. */
  constructor(index: number) {
    this.index = index
    const [, script = '', ...args] = process.argv
    const env = { ...process.env, SLUICE_WORKER: String(index) }
    this.#child = fork(script, args, { env, serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.exited = new Promise((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.on('message', (message: FromWorker) => this.#hear(message))
    this.#child.once('exit', () => this.#answerAll())
  }

  /** Tells it to start; resolves to its listeners and warnings, rejects with its sentence when it cannot. */
  start(
    message: Extract<ToWorker, { kind: 'start' }>,
  ): Promise<{ listeners: readonly WorkerListener[]; warnings: readonly string[] }> {
    return new Promise((resolve, reject) => {
      this.#child.on('message', (answer: FromWorker) => {
        if (answer.kind === 'hello') this.tell(message)
        else if (answer.kind === 'ready') resolve(answer)
        else if (answer.kind === 'failed') reject(new Error(answer.message))
      })
      this.#child.once('exit', (code) =>
        reject(new Error(`worker ${this.index} ended with code ${code ?? 0} before it was ready`)),
      )
    })
  }

  tell(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message)
  }

  /** Its state now, or the last known one when it does not answer in time. */
  snapshot(): Promise<WorkerSnapshot | undefined> {
    if (!this.#child.connected) return Promise.resolve(undefined)
    const id = ++this.#asked
    return new Promise((resolve) => {
      const limit = setTimeout(() => this.#answer(id, this.last), ANSWER_LIMIT_MS)
      this.#waiting.set(id, (snapshot) => {
        clearTimeout(limit)
        resolve(snapshot)
      })
      this.tell({ kind: 'snapshot', id })
    })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #hear(message: FromWorker): void {
    if (message.kind !== 'snapshot') return
    this.last = message
    this.#answer(message.id, message)
  }

  #answer(id: number, snapshot: WorkerSnapshot | undefined): void {
    const resolve = this.#waiting.get(id)
    this.#waiting.delete(id)
    resolve?.(snapshot)
  }

  #answerAll(): void {
    for (const id of [...this.#waiting.keys()]) this.#answer(id, undefined)
  }
}
