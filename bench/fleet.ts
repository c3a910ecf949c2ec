// The proxies of the shape at hand, one instance each, started when first needed.
import { type Instance, NotAvailable, type Surroundings, startInstance } from './instance.ts'
import type { Peer } from './peers/peer.ts'
import { type Shape, shapeKey } from './workload.ts'

export class Fleet {
  readonly #around: Surroundings
  readonly #instances = new Map<string, Instance | string>()
  #shape = ''

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** A running proxy, or why there is none. Asking for another shape stops all proxies of the last one. */
  async get(peer: Peer, shape: Shape): Promise<Instance | string> {
    if (shapeKey(shape) !== this.#shape) await this.stop()
    this.#shape = shapeKey(shape)
    const known = this.#instances.get(peer.name)
    if (known !== undefined) return known
    const started = await this.#start(peer, shape)
    this.#instances.set(peer.name, started)
    return started
  }

  async #start(peer: Peer, shape: Shape): Promise<Instance | string> {
    try {
      return await startInstance(peer, shape, this.#around)
    } catch (error) {
      if (error instanceof NotAvailable) return error.message
      throw error
    }
  }

  /** Stops a proxy; the next `get` starts a fresh one. */
  async discard(peer: Peer): Promise<void> {
    const instance = this.#instances.get(peer.name)
    this.#instances.delete(peer.name)
    if (typeof instance === 'object') await instance.stop()
  }

  async stop(): Promise<void> {
    const instances = [...this.#instances.values()]
    this.#instances.clear()
    await Promise.all(
      instances.map(async (instance) => {
        if (typeof instance === 'object') await instance.stop()
      }),
    )
  }
}
