// What an endpoint was seen to be able to do, so that the next upgrade goes the right way at once.

/** Whether its HTTP/2 offers extended CONNECT (RFC 8441 §3). */
export type ExtendedConnect = 'unknown' | 'yes' | 'no'

export class Capability {
  #extendedConnect: ExtendedConnect = 'unknown'
  #learntWallMs = 0

  get extendedConnect(): ExtendedConnect {
    return this.#extendedConnect
  }

  /** Milliseconds since the epoch; 0 while unknown. */
  get learntWallMs(): number {
    return this.#learntWallMs
  }

  learn(extendedConnect: 'yes' | 'no', wallMs: number): void {
    this.#extendedConnect = extendedConnect
    this.#learntWallMs = wallMs
  }

  forget(): void {
    this.#extendedConnect = 'unknown'
    this.#learntWallMs = 0
  }
}
