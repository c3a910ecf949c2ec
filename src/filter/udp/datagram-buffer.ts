// Datagrams that wait for a way to the upstream, in order and bounded by number and bytes (Envoy: buffer_options).

export class DatagramBuffer {
  bytes = 0
  readonly #maxDatagrams: number
  readonly #maxBytes: number
  #waiting: Buffer[] = []

  constructor(limits: { readonly maxDatagrams: number; readonly maxBytes: number }) {
    this.#maxDatagrams = limits.maxDatagrams
    this.#maxBytes = limits.maxBytes
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Keeps `payload` itself; false when there is no room for it. */
  keep(payload: Buffer): boolean {
    if (this.#waiting.length >= this.#maxDatagrams || this.bytes + payload.length > this.#maxBytes) return false
    this.#waiting.push(payload)
    this.bytes += payload.length
    return true
  }

  /** Gives out what waits, oldest first, until `take` answers false; what it was given last counts as taken. */
  drain(take: (payload: Buffer) => boolean): void {
    let taken = 0
    let open = true
    while (open) {
      const payload = this.#waiting[taken]
      if (payload === undefined) break
      taken++
      this.bytes -= payload.length
      open = take(payload)
    }
    this.#waiting = this.#waiting.slice(taken)
  }

  clear(): void {
    this.#waiting = []
    this.bytes = 0
  }
}
