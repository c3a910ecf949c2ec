// TLS sessions of past connections, by destination, for resumption (RFC 8446 §2.2). A TLS 1.3 ticket is used once
// (RFC 8446 §C.4).

import type { AcceptedPeer } from './tls-verify.ts'

/** A session with what was found out about its peer. */
export interface RememberedSession {
  readonly ticket: Buffer
  readonly peer: AcceptedPeer
}

/** At most `perKey` sessions for each of {@link DESTINATIONS} destinations; the oldest go first. */
export class SessionCache {
  readonly #perKey: number
  readonly #sessions = new Map<string, RememberedSession[]>()

  constructor(perKey: number) {
    this.#perKey = perKey
  }

  put(key: string, session: RememberedSession): void {
    if (this.#perKey <= 0) return
    const list = this.#sessions.get(key) ?? []
    this.#sessions.delete(key)
    list.push(session)
    if (list.length > this.#perKey) list.shift()
    this.#sessions.set(key, list)
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= DESTINATIONS) break
      this.#sessions.delete(oldest)
    }
  }

  /** The newest session for `key`; it is forgotten. */
  take(key: string): RememberedSession | undefined {
    const list = this.#sessions.get(key)
    const session = list?.pop()
    if (list?.length === 0) this.#sessions.delete(key)
    return session
  }
}

/** Destinations for which a client keeps sessions. */
export const DESTINATIONS = 1024
