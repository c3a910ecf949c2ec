// A tunnel that ends here (Envoy: connect_config, or a cluster with a TCP pool): no HTTP goes up. The client gets its 2xx
// when the far side stands (RFC 9110 §9.3.6), not before, and then both are joined. Header fields are not passed on.

import { closeCause } from '../../../core/close-cause.ts'
import type { ErrorCode } from '../../../core/errors.ts'
import { HeaderList } from '../../../codec/header-list.ts'
import type { ResponseHead } from '../../../codec/http-stream.ts'
import type { ConnectTermination as ConnectConfig } from '../../../config/model/route.ts'
import type { Place } from '../../../config/model/place.ts'
import type { Ticket, UpstreamFailure } from '../../../upstream/stream-need.ts'
import { type DestinationWaiter, type OpenDestination, TCP_DESTINATION } from '../../../upstream/tunnel-destination.ts'
import { markAnswer } from './answer-marks.ts'
import { dialNeed } from './dial-need.ts'
import type { Attempt, AttemptOwner, Forwarding } from './forwarding.ts'
import { UpstreamAttempt } from './upstream-attempt.ts'

export class ConnectTermination extends UpstreamAttempt implements Attempt, DestinationWaiter {
  readonly #config: ConnectConfig
  #ticket: Ticket | undefined

  constructor(forwarding: Forwarding, owner: AttemptOwner, config: ConnectConfig) {
    super(forwarding, owner)
    this.#config = config
  }

  start(endStream: boolean): void {
    const { head, tools } = this.forwarding
    const destination = head.tunnel?.kind === 'connect' ? TCP_DESTINATION : tools.udpDestination
    if (destination === undefined) {
      this.fail('upgrade_failed', 'connect-udp cannot end here', this.#config.place)
      return
    }
    if (!this.enter()) return
    this.armTryLimit()
    const need = dialNeed(this.forwarding, this.#config.proxyProtocol)
    const ticket = destination.open({ endStream, upstream: this.upstream, need }, this)
    if (!this.done) this.#ticket = ticket
  }

  // A CONNECT's payload waits in the codec; only the body of a POST comes this way before acceptance.

  data(buffer: Buffer, start: number, end: number): boolean {
    if (this.done) return true
    this.forwarding.body.keep(buffer, start, end, false)
    return false
  }

  trailers(): void {
    // They end the client's direction, which the exchange has noted; a byte stream has no place for them.
  }

  pauseUpstream(): void {
    // Nothing is read before the tunnel is joined.
  }

  resumeUpstream(): void {
    // As above.
  }

  abort(): void {
    if (this.done) return
    this.finish()
    this.#ticket?.cancel()
  }

  onOpened(opened: OpenDestination): void {
    if (this.done) {
      discard(opened)
      return
    }
    const { sink, tools } = this.forwarding
    const { facts } = sink
    const { endpoint, stream } = opened
    this.#ticket = undefined
    this.arrive({ id: opened.id, endpoint, info: stream.info, protocol: '' })
    facts.times.upstreamResponseStart = tools.clock.now()
    this.upstream.onResponseHead(endpoint, 200)
    facts.responseCodeDetails = 'via_upstream'
    this.owner.tunnelAnswered()
    const acceptance = this.#acceptance(opened)
    markAnswer(this.forwarding, endpoint, acceptance.headers)
    const maxDurationMs = this.handOver()
    this.owner.attemptDone()
    sink.onTunnelAccepted(acceptance, {
      open: () => {
        stream.setHighWater(tools.bufferLimitBytes)
        return stream
      },
      protocol: opened.protocol,
      endpoint: stream.info.remote.text,
      received: this.forwarding.body.take(),
      maxDurationMs,
      hopNote: '',
      release: (cause) => {
        opened.release(cause)
        this.giveBack()
      },
    })
  }

  onOpenFailed(failure: UpstreamFailure): void {
    if (this.done) return
    this.#ticket = undefined
    this.failedToArrive(failure)
  }

  protected giveUp(code: ErrorCode, explanation: string, place?: Place): void {
    if (this.done) return
    this.#ticket?.cancel()
    this.fail(code, explanation, place)
  }

  #acceptance({ fields }: OpenDestination): ResponseHead {
    const { tunnel } = this.forwarding.head
    const headers = new HeaderList()
    const upgrade = tunnel?.kind === 'upgrade'
    if (upgrade) {
      headers.add('upgrade', tunnel.type)
      headers.add('connection', 'upgrade')
    }
    for (const [name, value] of fields) headers.add(name, value)
    return { status: upgrade ? 101 : 200, reason: '', headers }
  }
}

/** The client left while it was being opened. */
function discard(opened: OpenDestination): void {
  const cause = closeCause('client', 'tunnel', 'client_disconnect')
  opened.stream.reset(cause)
  opened.release(cause)
}
