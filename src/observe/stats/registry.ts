// Statistics under Envoy's names. The data path holds Counter and Gauge objects and changes a number field; nothing is
// looked up, hashed or labelled while traffic flows. Admin pages and exposition walk the registry.

/** Label for Prometheus, taken out of the name, as Envoy's tag extraction does. */
export interface StatTag {
  /** Such as `envoy_cluster_name`. */
  readonly name: string
  readonly value: string
}

export interface Counter {
  readonly kind: 'counter'
  /** Whole dotted name, such as `http.ingress.downstream_rq_total`. */
  readonly name: string
  /** Name without tag values, such as `http.downstream_rq_total`. */
  readonly extracted: string
  readonly tags: readonly StatTag[]
  value: number
}

export interface Gauge {
  readonly kind: 'gauge'
  readonly name: string
  readonly extracted: string
  readonly tags: readonly StatTag[]
  value: number
}

/** Upper bounds of histogram buckets in milliseconds, Envoy's defaults. */
export const HISTOGRAM_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
]

export interface Histogram {
  readonly kind: 'histogram'
  readonly name: string
  readonly extracted: string
  readonly tags: readonly StatTag[]
  /** Counts per bucket of HISTOGRAM_BOUNDS, and one more for what is beyond. */
  readonly buckets: Float64Array
  count: number
  sum: number
}

export type Stat = Counter | Gauge | Histogram

/** Adds one observation. */
export function observe(histogram: Histogram, value: number): void {
  const { buckets } = histogram
  let index = 0
  while (index < HISTOGRAM_BOUNDS.length && value > (HISTOGRAM_BOUNDS[index] ?? 0)) index++
  buckets[index] = (buckets[index] ?? 0) + 1
  histogram.count++
  histogram.sum += value
}

/** Reaches a number in an object that does not know of statistics, such as a codec's counters. */
export interface StatField {
  read(): number
  write(value: number): void
}

/** All statistics of a process, by whole name. Asking twice for a name gives the same object, so reloads keep counts. */
export class StatRegistry {
  readonly #stats = new Map<string, Stat>()
  /** Statistics that were seen changed and are zero again. */
  readonly #used = new WeakSet<Stat>()

  /** A scope whose names start with `prefix` (`http.ingress.`); `extracted` is the same without the tag's value. */
  scope(prefix: string, extracted: string = prefix, tags: readonly StatTag[] = []): StatScope {
    return new StatScope(this, prefix, extracted, tags)
  }

  counter(name: string, extracted: string = name, tags: readonly StatTag[] = []): Counter {
    const known = this.#stats.get(name)
    if (known?.kind === 'counter') return known
    const stat: Counter = { kind: 'counter', name, extracted, tags, value: 0 }
    this.#stats.set(name, stat)
    return stat
  }

  gauge(name: string, extracted: string = name, tags: readonly StatTag[] = []): Gauge {
    const known = this.#stats.get(name)
    if (known?.kind === 'gauge') return known
    const stat: Gauge = { kind: 'gauge', name, extracted, tags, value: 0 }
    this.#stats.set(name, stat)
    return stat
  }

  histogram(name: string, extracted: string = name, tags: readonly StatTag[] = []): Histogram {
    const known = this.#stats.get(name)
    if (known?.kind === 'histogram') return known
    const buckets = new Float64Array(HISTOGRAM_BOUNDS.length + 1)
    const stat: Histogram = { kind: 'histogram', name, extracted, tags, buckets, count: 0, sum: 0 }
    this.#stats.set(name, stat)
    return stat
  }

  /** Lists a number that another object keeps: `read` and `write` reach it. */
  adopt(kind: 'counter' | 'gauge', name: string, extracted: string, tags: readonly StatTag[], field: StatField): void {
    if (this.#stats.has(name)) return
    const stat = {
      kind,
      name,
      extracted,
      tags,
      get value(): number {
        return field.read()
      },
      set value(value: number) {
        field.write(value)
      },
    }
    this.#stats.set(name, stat)
  }

  /** Every statistic, sorted by name. */
  all(): Stat[] {
    return [...this.#stats.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  }

  /**
   * Whether `stat` has changed since the start. The data path marks nothing, so a gauge that rose and fell between two
   * looks is missed; counters never are.
   */
  isUsed(stat: Stat): boolean {
    const moved = stat.kind === 'histogram' ? stat.count > 0 : stat.value !== 0
    if (moved) this.#used.add(stat)
    return moved || this.#used.has(stat)
  }

  /** Zeroes counters and histograms (POST /reset_counters). What was used stays used. */
  resetCounters(): void {
    for (const stat of this.#stats.values()) {
      this.isUsed(stat)
      if (stat.kind === 'counter') stat.value = 0
      if (stat.kind !== 'histogram') continue
      stat.buckets.fill(0)
      stat.count = 0
      stat.sum = 0
    }
  }
}

/** Makes statistics under one prefix. Made while a configuration is built, never per connection. */
export class StatScope {
  readonly #registry: StatRegistry
  readonly #prefix: string
  readonly #extracted: string
  readonly #tags: readonly StatTag[]

  constructor(registry: StatRegistry, prefix: string, extracted: string, tags: readonly StatTag[]) {
    this.#registry = registry
    this.#prefix = prefix
    this.#extracted = extracted
    this.#tags = tags
  }

  counter(name: string): Counter {
    return this.#registry.counter(this.#prefix + name, this.#extracted + name, this.#tags)
  }

  gauge(name: string): Gauge {
    return this.#registry.gauge(this.#prefix + name, this.#extracted + name, this.#tags)
  }

  histogram(name: string): Histogram {
    return this.#registry.histogram(this.#prefix + name, this.#extracted + name, this.#tags)
  }

  /** See {@link StatRegistry.adopt}. */
  adopt(kind: 'counter' | 'gauge', name: string, field: StatField): void {
    this.#registry.adopt(kind, this.#prefix + name, this.#extracted + name, this.#tags, field)
  }

  /** A scope below this one; `tag` adds a label whose value is part of `prefix`. */
  scope(prefix: string, extracted: string = prefix, tag?: StatTag): StatScope {
    const tags = tag === undefined ? this.#tags : [...this.#tags, tag]
    return new StatScope(this.#registry, this.#prefix + prefix, this.#extracted + extracted, tags)
  }
}
