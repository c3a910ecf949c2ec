// Remembers how streams ended that were reset, as far back as it matters: frames that were on their way when the reset
// went out are no fault of the peer (RFC 9113 §5.1 "closed"), others on closed streams are.

/** `resetByUs`: ignore what still comes. `resetByPeer`: it said so itself, so nothing more may come. */
export type ResetMemory = 'resetByUs' | 'resetByPeer'

/** Resets that are remembered per connection; older ones are forgotten first. */
const MOST = 1024

export class ClosedStreams {
  readonly #resets = new Map<number, ResetMemory>()
  /** Ids up to this one may have been forgotten. */
  #forgottenTo = 0

  remember(streamId: number, how: ResetMemory): void {
    this.#resets.set(streamId, how)
    if (this.#resets.size <= MOST) return
    for (const oldest of this.#resets.keys()) {
      this.#resets.delete(oldest)
      if (oldest > this.#forgottenTo) this.#forgottenTo = oldest
      break
    }
  }

  /** The peer ended its side of a stream that was reset: what comes after that is a fault. */
  peerDone(streamId: number, how: 'ended' | 'reset'): void {
    // Only what is remembered changes: a peer can send RST_STREAM for any id that it skipped, and there are 2^30 of them.
    if (!this.#resets.has(streamId)) return
    if (how === 'reset') this.#resets.set(streamId, 'resetByPeer')
    else this.#resets.delete(streamId)
  }

  /** How a closed stream ended; when in doubt the peer is not blamed. */
  howEnded(streamId: number): ResetMemory | 'ended' {
    return this.#resets.get(streamId) ?? (streamId <= this.#forgottenTo ? 'resetByUs' : 'ended')
  }
}
