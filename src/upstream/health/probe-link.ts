// The HTTP connection of a prober: dialled like the cluster's, one at a time, kept between probes if the check wants it.

import type { CloseCause } from '../../core/close-cause.ts'
import type { Dial } from '../../transport/tcp.ts'
import type { Dialled, DialFailure, DialMode, DialTarget } from '../dial.ts'
import { type ConnectionOwner, UpstreamConnection } from '../upstream-connection.ts'
import type { ProbeTarget } from './probe-target.ts'
import { PROBE_OVER, type ProbeTools } from './probe-tools.ts'

/** Gets one of the two calls per `acquire`; none after `abandon`. */
export interface LinkUser {
  /** The connection has room for one stream. `reused`: it served probes before, so it may be gone at any moment. */
  onLink(connection: UpstreamConnection, reused: boolean): void
  onNoLink(reason: string): void
}

export interface LinkOptions {
  readonly target: ProbeTarget
  readonly mode: Extract<DialMode, 'http1' | 'http2'>
  /** Wait until an HTTP/2 peer has said whether it takes extended CONNECT. */
  readonly upgrade: boolean
}

export class ProbeLink implements ConnectionOwner, DialTarget {
  readonly #tools: ProbeTools
  readonly #options: LinkOptions
  #dial: Dial | undefined
  #connection: UpstreamConnection | undefined
  /** Who waits for the connection. */
  #user: LinkUser | undefined

  constructor(tools: ProbeTools, options: LinkOptions) {
    this.#tools = tools
    this.#options = options
  }

  /** Hands out the kept connection, or dials. */
  acquire(user: LinkUser): void {
    const connection = this.#connection
    const { target } = this.#options
    const { endpoint } = target
    if (connection?.endpoint === endpoint && connection.client.availableStreams > 0)
      return user.onLink(connection, true)
    this.drop()
    this.#user = user
    const { diallers, cluster } = this.#tools
    const purpose = { serverName: target.serverName(cluster), downstream: undefined }
    this.#dial = diallers(endpoint, this.#options.mode, purpose).dial(this)
  }

  /** The probe is over in order: the connection stays if the check wants it. */
  release(): void {
    if (!this.#tools.check.reuseConnection) this.drop()
  }

  /** Ends whatever is under way or kept. */
  drop(): void {
    this.#user = undefined
    this.#dial?.cancel()
    this.#dial = undefined
    const connection = this.#connection
    this.#connection = undefined
    connection?.client.close(PROBE_OVER)
  }

  onDialled({ stream, toProxy }: Dialled): void {
    this.#dial = undefined
    const { clock, codecs } = this.#tools
    const { target, mode } = this.#options
    const connection = new UpstreamConnection(this, target.endpoint, stream, clock.now(), toProxy)
    this.#connection = connection
    // Without ALPN the check's own version holds; an agreement wins over it.
    const agreed = stream.info.tls?.alpn ?? ''
    connection.use(codecs(connection, agreed === 'h2' ? 'http2' : agreed === 'http/1.1' ? 'http1' : mode))
    this.#tell(connection)
  }

  onDialFailed({ explanation }: DialFailure): void {
    this.#dial = undefined
    this.#fail(explanation)
  }

  onConnectionAvailable(connection: UpstreamConnection): void {
    if (connection === this.#connection) this.#tell(connection)
  }

  onConnectionGone(connection: UpstreamConnection, cause: CloseCause): void {
    if (connection !== this.#connection) return
    this.#connection = undefined
    this.#fail(cause.detail === '' ? cause.code : cause.detail)
  }

  #tell(connection: UpstreamConnection): void {
    const user = this.#user
    if (user === undefined) return
    if (this.#options.upgrade && connection.multiplexed && connection.client.extendedConnect === undefined) return
    if (connection.client.availableStreams === 0) return this.#fail('the server takes no request on a new connection')
    this.#user = undefined
    user.onLink(connection, false)
  }

  #fail(reason: string): void {
    const user = this.#user
    this.#user = undefined
    user?.onNoLink(reason)
  }
}
