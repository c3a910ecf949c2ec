// One connection to an endpoint with the client codec on it. Belongs to a lane of a pool, which it tells of every change.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { DenseItem } from '../core/dense-set.ts'
import { nextConnectionId, type ConnectionId } from '../core/ids.ts'
import type { Deadline } from '../core/timer-wheel.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { ClientConnection, ClientConnectionSink } from '../codec/http-stream.ts'
import type { ByteStream } from '../transport/byte-stream.ts'
import type { StreamNeed } from './stream-need.ts'

/** The lane that owns a connection. */
export interface ConnectionOwner {
  onConnectionAvailable(connection: UpstreamConnection): void
  onConnectionGone(connection: UpstreamConnection, cause: CloseCause): void
}

export class UpstreamConnection implements ClientConnectionSink, DenseItem {
  denseIndex = -1
  readonly id: ConnectionId = nextConnectionId()
  readonly endpoint: Endpoint
  readonly stream: ByteStream
  readonly openedMs: number
  /** A proxy is at the other end: requests name the whole URL. */
  readonly toProxy: boolean
  #client: ClientConnection | undefined
  readonly #owner: ConnectionOwner
  /** Streams opened so far; bounded by max_requests_per_connection. */
  requests = 0
  /** Takes no new stream: told to go, used up, or drained. */
  retired = false
  /** On the lane's idle list. */
  idle = false
  idleDeadline: Deadline | undefined

  constructor(owner: ConnectionOwner, endpoint: Endpoint, stream: ByteStream, openedMs: number, toProxy = false) {
    this.#owner = owner
    this.endpoint = endpoint
    this.stream = stream
    this.openedMs = openedMs
    this.toProxy = toProxy
  }

  /** The codec; set right after construction because the codec needs this object as its sink. */
  get client(): ClientConnection {
    if (this.#client === undefined) throw new Error('upstream connection used before its codec was set')
    return this.#client
  }

  use(client: ClientConnection): void {
    this.#client = client
  }

  get multiplexed(): boolean {
    return this.client.protocol === 'HTTP/2' || this.client.protocol === 'HTTP/3'
  }

  /** Whether a stream for `need` can be opened now. */
  canServe(need: StreamNeed): boolean {
    if (this.retired) return false
    const { client } = this
    return client.availableStreams > 0 && (!need.upgrade || client.extendedConnect === true)
  }

  onAvailability(): void {
    if (this.#client !== undefined) this.#owner.onConnectionAvailable(this)
  }

  onConnectionClose(cause: CloseCause): void {
    this.#owner.onConnectionGone(this, cause)
  }

  /** No new streams; closes when the last one ended. */
  drain(cause: CloseCause = closeCause('proxy', 'http', 'connection_idle')): void {
    this.retired = true
    this.client.drain(cause)
  }
}
