// bcrypt in a thread of its own: a check takes a tenth of a second of processor time on purpose, which no tunnel of this
// process should wait for. The thread starts with the first check and does not keep the process alive.

import { Worker } from 'node:worker_threads'

/** Run by the thread; it learns where the library is, as code without a file cannot look for it. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads')
const library = import(workerData)
parentPort.on('message', async ({ id, password, stored }) => {
  try {
    const { default: bcrypt } = await library
    parentPort.postMessage({ id, right: bcrypt.compareSync(password, stored) })
  } catch {
    parentPort.postMessage({ id, right: false })
  }
})`

interface Answer {
  readonly id: number
  readonly right: boolean
}

class BcryptThread {
  readonly #worker = new Worker(THREAD, { eval: true, workerData: import.meta.resolve('bcryptjs') })
  readonly #waiting = new Map<number, (right: boolean) => void>()
  #asked = 0

  /** `onGone` is told when the thread ended: those who waited got a no. */
  constructor(onGone: () => void) {
    this.#worker.on('message', ({ id, right }: Answer) => this.#answer(id, right))
    this.#worker.once('error', () => undefined)
    this.#worker.once('exit', () => {
      onGone()
      for (const id of [...this.#waiting.keys()]) this.#answer(id, false)
    })
    this.#worker.unref()
  }

  compare(password: string, stored: string): Promise<boolean> {
    const id = ++this.#asked
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.#worker.postMessage({ id, password, stored })
    })
  }

  #answer(id: number, right: boolean): void {
    this.#waiting.get(id)?.(right)
    this.#waiting.delete(id)
  }
}

let thread: BcryptThread | undefined

/** Whether the password is the one of a bcrypt hash; no when the hash is malformed or the thread died. */
export function compareBcrypt(password: string, stored: string): Promise<boolean> {
  thread ??= new BcryptThread(() => {
    thread = undefined
  })
  return thread.compare(password, stored)
}
