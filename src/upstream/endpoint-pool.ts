// All connections to one endpoint for one purpose: a lane per mode. Chooses the lane by the cluster's protocol
// setting, the request, and what is known of the origin (RFC 8441 §3: no extended CONNECT without the setting).

import type { CloseCause } from '../core/close-cause.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import { placeHint } from '../config/model/place.ts'
import type { DiallerFactory, DialPurpose } from './dial.ts'
import { Lane, type LaneMode, type LaneOwner } from './lane.ts'
import type { PoolContext } from './pool-context.ts'
import type { StreamNeed, StreamWaiter, Ticket } from './stream-need.ts'

export class EndpointPool implements LaneOwner {
  readonly #context: PoolContext
  readonly #endpoint: Endpoint
  readonly #diallers: DiallerFactory
  readonly #purpose: DialPurpose
  readonly #onEmpty: () => void
  readonly #lanes = new Map<LaneMode, Lane>()

  /** `onEmpty` is called when nothing is open and nothing waits any more. */
  constructor(
    context: PoolContext,
    endpoint: Endpoint,
    purpose: DialPurpose,
    diallers: DiallerFactory,
    onEmpty: () => void,
  ) {
    this.#context = context
    this.#endpoint = endpoint
    this.#purpose = purpose
    this.#diallers = diallers
    this.#onEmpty = onEmpty
  }

  get empty(): boolean {
    for (const lane of this.#lanes.values()) if (!lane.empty) return false
    return true
  }

  acquire(need: StreamNeed, waiter: StreamWaiter): Ticket | undefined {
    return this.#lane(this.#modeFor(need)).acquire(need, waiter)
  }

  drain(cause: CloseCause): void {
    for (const lane of this.#lanes.values()) lane.drain(cause)
  }

  retire(cause: CloseCause): void {
    for (const lane of this.#lanes.values()) lane.retire(cause)
  }

  close(cause: CloseCause): void {
    for (const lane of this.#lanes.values()) lane.close(cause)
  }

  onLaneEmpty(): void {
    if (this.empty) this.#onEmpty()
  }

  onUpgradeRefused(need: StreamNeed, waiter: StreamWaiter, endpoint: Endpoint): Ticket | undefined {
    endpoint.capability.learn('no', this.#context.clock.wallNow())
    if (this.#context.cluster.protocol.kind === 'auto') return this.#lane('http1').acquire(need, waiter)
    const { place } = this.#context.cluster
    waiter.onStreamFailed({
      code: 'upgrade_not_supported_upstream',
      explanation:
        `endpoint ${endpoint.text} offers no SETTINGS_ENABLE_CONNECT_PROTOCOL and cluster "${this.#context.cluster.name}" ` +
        `(${placeHint(place)}) allows HTTP/2 only; let it negotiate with auto_config, or use http_protocol_options`,
      transportFailure: '',
      cause: undefined,
      endpoint,
    })
    return undefined
  }

  #modeFor(need: StreamNeed): LaneMode {
    const { protocol, tls } = this.#context.cluster
    switch (protocol.kind) {
      case 'explicit':
        return protocol.version
      case 'downstream':
        return need.downstreamProtocol === 'HTTP/2' || need.downstreamProtocol === 'HTTP/3' ? 'http2' : 'http1'
      case 'auto':
        if (tls === undefined) return 'http1'
        return need.upgrade && this.#endpoint.capability.extendedConnect === 'no' ? 'http1' : 'auto'
    }
  }

  #lane(mode: LaneMode): Lane {
    const known = this.#lanes.get(mode)
    if (known !== undefined) return known
    const dialler = this.#diallers(this.#endpoint, mode, this.#purpose)
    const { priority = 'default' } = this.#purpose
    const lane = new Lane(this.#context, this.#endpoint, mode, priority, dialler, this)
    this.#lanes.set(mode, lane)
    return lane
  }
}
