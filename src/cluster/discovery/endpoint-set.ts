// The endpoints of a cluster as its slots report them: one slot per configured endpoint. Addresses that stay keep their
// Endpoint with its counts; those that go are marked removed and live on while connections to them are open.

import { type Address, addressText } from '../../config/model/address.ts'
import type { EndpointConfig } from '../../config/model/cluster.ts'
import { Endpoint } from '../endpoint.ts'

/** Addresses of one endpoint, best first. */
export type EndpointAddresses = readonly [Address, ...Address[]]

/** What changed. */
export interface EndpointChange {
  readonly added: readonly Endpoint[]
  readonly removed: readonly Endpoint[]
}

const NO_CHANGE: EndpointChange = { added: [], removed: [] }

export class EndpointSet {
  /** By slot, then by first address. */
  readonly #slots: Map<string, Endpoint>[]
  /** Endpoints that their slots dropped and that stay for the time being; by slot and first address. */
  readonly #leaving = new Map<string, Endpoint>()
  #endpoints: readonly Endpoint[] = []

  constructor(slots: number) {
    this.#slots = Array.from({ length: slots }, () => new Map<string, Endpoint>())
  }

  /** All members. A new array after every change. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** Replaces the addresses of one slot; membership changes with `commit`. */
  update(slot: number, config: EndpointConfig, addresses: readonly EndpointAddresses[]): void {
    const old = this.#slots[slot]
    if (old === undefined) return
    const now = new Map<string, Endpoint>()
    for (const list of addresses) {
      const key = addressText(list[0])
      if (!now.has(key)) now.set(key, kept(old.get(key) ?? this.#back(slot, key), list) ?? new Endpoint(config, list))
    }
    for (const [key, endpoint] of old) if (!now.has(key)) this.#leaving.set(`${slot} ${key}`, endpoint)
    this.#slots[slot] = now
  }

  /**
   * Members are the slots' endpoints without repetition: Envoy also counts an address once per priority, whichever of
   * two names leads to it. What the slots dropped leaves, but for those of which `stays` is true; they are asked about
   * again with every commit.
   */
  commit(stays: (endpoint: Endpoint) => boolean = () => false): EndpointChange {
    const members = new Map<string, Endpoint>()
    for (const slot of this.#slots) {
      for (const [key, endpoint] of slot) {
        const identity = `${endpoint.config.priority} ${key}`
        if (!members.has(identity)) members.set(identity, endpoint)
      }
    }
    for (const [key, endpoint] of this.#leaving) {
      const identity = `${endpoint.config.priority} ${key.slice(key.indexOf(' ') + 1)}`
      if (!members.has(identity) && stays(endpoint)) members.set(identity, endpoint)
      else this.#leaving.delete(key)
    }
    const now = new Set(members.values())
    const before = new Set(this.#endpoints)
    const added = [...now].filter((endpoint) => !before.has(endpoint))
    const removed = [...before].filter((endpoint) => !now.has(endpoint))
    if (added.length === 0 && removed.length === 0) return NO_CHANGE
    for (const endpoint of added) endpoint.markRestored()
    for (const endpoint of removed) endpoint.markRemoved()
    this.#endpoints = [...now]
    return { added, removed }
  }

  /** One that had left its slot but not the cluster. */
  #back(slot: number, key: string): Endpoint | undefined {
    const name = `${slot} ${key}`
    const endpoint = this.#leaving.get(name)
    this.#leaving.delete(name)
    return endpoint
  }
}

function kept(endpoint: Endpoint | undefined, addresses: EndpointAddresses): Endpoint | undefined {
  endpoint?.moveTo(addresses)
  return endpoint
}
