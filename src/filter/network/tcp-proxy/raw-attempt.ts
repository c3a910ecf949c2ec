// An attempt to reach the upstream by a TCP connection (or TLS, or internal listener) of the session's own.

import type { CloseCause } from '../../../core/close-cause.ts'
import type { Attempt, AttemptOwner } from '../../../upstream/attempt.ts'
import type { ConnectWaiter, DialNeed, RawConnection, Ticket, UpstreamFailure } from '../../../upstream/stream-need.ts'
import type { SessionCluster } from './runtime.ts'

export class RawAttempt implements Attempt, ConnectWaiter {
  readonly #upstream: SessionCluster
  readonly #need: DialNeed
  readonly #owner: AttemptOwner
  #ticket: Ticket | undefined
  #done = false

  constructor(upstream: SessionCluster, need: DialNeed, owner: AttemptOwner) {
    this.#upstream = upstream
    this.#need = need
    this.#owner = owner
  }

  start(): void {
    const ticket = this.#upstream.connect(this.#need, this)
    if (!this.#done) this.#ticket = ticket
  }

  cancel(_cause: CloseCause): void {
    if (this.#done) return
    this.#done = true
    this.#ticket?.cancel()
  }

  onConnected(connection: RawConnection): void {
    if (this.#done) return discard(connection)
    this.#done = true
    const upstream = this.#upstream
    const { endpoint, stream, id } = connection
    // A TCP connection counts as a request of its cluster, without being bound by max_requests, as in Envoy's TCP pool.
    upstream.breakers('default').acquire('request')
    upstream.stats.upstreamRqTotal.value++
    upstream.stats.upstreamRqActive.value++
    upstream.onStreamStart(endpoint)
    stream.setHighWater(upstream.cluster.bufferLimitBytes)
    this.#owner.onUpstream({
      stream,
      endpoint,
      connectionId: id,
      info: stream.info,
      protocol: '',
      hopNote: '',
      endWithHealth: (close) => upstream.endWithHealth(endpoint, close),
      release(cause) {
        upstream.onStreamEnd(endpoint)
        upstream.leave('default')
        connection.release(cause)
      },
    })
  }

  onConnectFailed(failure: UpstreamFailure): void {
    if (this.#done) return
    this.#done = true
    const { code, explanation, transportFailure, endpoint } = failure
    this.#owner.onAttemptFailed({ code, explanation, transportFailure, endpoint, status: 0 })
  }
}

/** The session gave up in the very turn the connection came. */
function discard(connection: RawConnection): void {
  const cause: CloseCause = { by: 'proxy', layer: 'tunnel', code: 'finished', detail: 'the session had ended' }
  connection.stream.reset(cause)
  connection.release(cause)
}
