// Dials an endpoint that has several addresses ("happy eyeballs", RFC 8305 §5): the next address is tried when one fails
// or has not answered for a while, the first connection wins, and the attempts that lost are given up.

import type { Timer } from '../core/clock.ts'
import type { CloseCause } from '../core/close-cause.ts'
import type { Address } from '../config/model/address.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import type { Dial, DialSink } from '../transport/tcp.ts'
import { type AddressPurpose, dialAddress } from './dial-address.ts'

/** Head start of an address before the next one, as in Envoy; RFC 8305 §8 recommends 250 ms. */
const HEAD_START_MS = 300

/** Addresses of one endpoint that one connection tries; a name may have a thousand. */
const MOST_TRIED = 8

/** Dials `addresses`, best first; the outcome comes in a later turn. All of them share the time of `purpose`. */
export function dialRace(addresses: readonly [Address, ...Address[]], purpose: AddressPurpose, sink: DialSink): Dial {
  if (addresses.length === 1) return dialAddress(addresses[0], purpose, sink)
  const race = new Race(addresses, purpose, sink)
  race.next()
  return race
}

class Race implements Dial {
  readonly #addresses: readonly Address[]
  readonly #purpose: AddressPurpose
  readonly #sink: DialSink
  readonly #deadlineMs: number
  readonly #runners = new Set<Runner>()
  #started = 0
  #timer: Timer | undefined

  constructor(addresses: readonly Address[], purpose: AddressPurpose, sink: DialSink) {
    this.#addresses = addresses.slice(0, MOST_TRIED)
    this.#purpose = purpose
    this.#sink = sink
    this.#deadlineMs = purpose.tools.clock.now() + purpose.connectTimeoutMs
  }

  /** Starts the next address, if there is one and time for it. */
  next(): void {
    this.#timer?.cancel()
    const address = this.#addresses[this.#started]
    const { clock } = this.#purpose.tools
    const connectTimeoutMs = this.#deadlineMs - clock.now()
    if (address === undefined || connectTimeoutMs < 1) return
    this.#started++
    const runner = new Runner(this)
    this.#runners.add(runner)
    runner.start(address, { ...this.#purpose, connectTimeoutMs })
    if (this.#started < this.#addresses.length) this.#timer = clock.after(HEAD_START_MS, () => this.next())
  }

  cancel(): void {
    this.#timer?.cancel()
    for (const runner of this.#runners) runner.cancel()
    this.#runners.clear()
  }

  won(winner: Runner, stream: ReplayableStream): void {
    this.#runners.delete(winner)
    this.cancel()
    this.#sink.onConnect(stream)
  }

  lost(loser: Runner, cause: CloseCause): void {
    this.#runners.delete(loser)
    this.next()
    if (this.#runners.size === 0) this.#sink.onConnectError(cause)
  }
}

/** One address of a race. */
class Runner implements DialSink {
  readonly #race: Race
  #dial: Dial | undefined

  constructor(race: Race) {
    this.#race = race
  }

  start(address: Address, purpose: AddressPurpose): void {
    this.#dial = dialAddress(address, purpose, this)
  }

  cancel(): void {
    this.#dial?.cancel()
  }

  onConnect(stream: ReplayableStream): void {
    this.#race.won(this, stream)
  }

  onConnectError(cause: CloseCause): void {
    this.#race.lost(this, cause)
  }
}
