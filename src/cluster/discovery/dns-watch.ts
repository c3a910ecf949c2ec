// Keeps one name resolved: asks, waits, asks again. A failure keeps the last good answer and asks again sooner.

import type { Clock, Timer } from '../../core/clock.ts'
import { JitteredBackoff } from '../../core/jittered-backoff.ts'
import type { Random } from '../../core/random.ts'
import type { DnsFamily } from '../../config/model/cluster.ts'
import type { ClusterStats } from '../cluster-stats.ts'
import { type ChosenAddresses, chooseAddresses, familiesToAsk } from './dns-family.ts'
import { reasonOf } from './dns-reason.ts'
import type { DnsAnswer, DnsResolver } from './dns-resolver.ts'

/** First wait after a failure; it doubles up to the refresh rate, and chance takes up to half of it away. */
const FAILURE_BASE_MS = 500
/** Least wait after a failure when the configuration says how long to wait: full jitter may draw nothing at all. */
const SHORTEST_RETRY_MS = 10
/** Least wait after a success, whatever a TTL of 0 asks for. */
const SHORTEST_REFRESH_MS = 1000
/** Longest wait a TTL can ask for; RFC 8767 §4 recommends a week, and a timer must fit in 31 bits. */
const LONGEST_REFRESH_MS = 7 * 24 * 3600 * 1000

export interface DnsWatchSettings {
  readonly host: string
  readonly family: DnsFamily
  readonly refreshMs: number
  readonly respectTtl: boolean
  /** undefined = from half a second up to `refreshMs`. */
  readonly failureBackoff?: { readonly baseMs: number; readonly maxMs: number } | undefined
  /** At most so much is added to the wait after a success. */
  readonly jitterMs?: number | undefined
}

export interface DnsWatchContext {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: DnsResolver
  readonly stats: ClusterStats
}

/** Hears of every outcome. */
export interface DnsListener {
  onAddresses(chosen: ChosenAddresses): void
  /** `reason` is the resolver's, for people. */
  onFailure(reason: string): void
}

export class DnsWatch {
  readonly #settings: DnsWatchSettings
  readonly #context: DnsWatchContext
  readonly #listener: DnsListener
  #timer: Timer | undefined
  #running = false
  #failures = 0
  #backoff: JitteredBackoff | undefined
  #askAtMs = 0

  constructor(settings: DnsWatchSettings, context: DnsWatchContext, listener: DnsListener) {
    this.#settings = settings
    this.#context = context
    this.#listener = listener
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    void this.#ask()
  }

  /** Stops asking; an answer that is on its way is dropped. */
  stop(): void {
    this.#running = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** Milliseconds until a name that does not resolve is looked up again; undefined while it does. */
  get nextTryMs(): number | undefined {
    return this.#failures === 0 ? undefined : Math.max(0, this.#askAtMs - this.#context.clock.now())
  }

  async #ask(): Promise<void> {
    const { host, family, respectTtl } = this.#settings
    this.#context.stats.updateAttempt.value++
    let answers: readonly DnsAnswer[]
    try {
      answers = await this.#context.resolver.resolve(host, familiesToAsk(family), respectTtl)
    } catch (error) {
      if (this.#running) this.#fail(reasonOf(error))
      return
    }
    if (this.#running) this.#succeed(answers)
  }

  #succeed(answers: readonly DnsAnswer[]): void {
    const chosen = chooseAddresses(this.#settings.family, answers)
    if (chosen.use.length === 0) {
      this.#context.stats.updateEmpty.value++
      this.#fail(answers.length === 0 ? 'no addresses' : `no addresses of dns_lookup_family ${this.#settings.family}`)
      return
    }
    this.#failures = 0
    this.#backoff = undefined
    this.#context.stats.updateSuccess.value++
    this.#again(this.#refreshDelay(chosen.use) + (this.#settings.jitterMs ?? 0) * this.#context.random())
    this.#listener.onAddresses(chosen)
  }

  #fail(reason: string): void {
    this.#context.stats.updateFailure.value++
    this.#again(this.#failureDelay())
    this.#listener.onFailure(reason)
  }

  #refreshDelay(used: readonly DnsAnswer[]): number {
    const { refreshMs, respectTtl } = this.#settings
    if (!respectTtl) return refreshMs
    const ttl = used.reduce((least, answer) => Math.min(least, answer.ttlSeconds ?? Infinity), Infinity)
    // A TTL of 0 is no rate to ask at: Envoy falls back to dns_refresh_rate.
    if (ttl === Infinity || ttl <= 0) return refreshMs
    return Math.min(LONGEST_REFRESH_MS, Math.max(SHORTEST_REFRESH_MS, ttl * 1000))
  }

  /**
   * As dns_failure_refresh_rate says; without one never slower than Envoy, which waits dns_refresh_rate. Jittered, so that a
   * fleet does not ask in step.
   */
  #failureDelay(): number {
    const grown = FAILURE_BASE_MS * 2 ** Math.min(this.#failures++, 16)
    const { failureBackoff } = this.#settings
    if (failureBackoff !== undefined) {
      this.#backoff ??= new JitteredBackoff(failureBackoff, this.#context.random)
      return Math.max(SHORTEST_RETRY_MS, this.#backoff.nextMs())
    }
    return Math.min(this.#settings.refreshMs, grown) * (1 - this.#context.random() / 2)
  }

  #again(delayMs: number): void {
    this.#askAtMs = this.#context.clock.now() + delayMs
    this.#timer = this.#context.clock.after(delayMs, () => void this.#ask())
  }
}
