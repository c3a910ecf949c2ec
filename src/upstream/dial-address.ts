// Connects to one address, whatever kind it is: the lowest layer of a dial.

import { isIP } from 'node:net'
import type { Timer } from '../core/clock.ts'
import { closeCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Address } from '../config/model/address.ts'
import type { Cluster } from '../config/model/cluster.ts'
import { dialPipe } from '../transport/pipe.ts'
import { type Dial, type DialSink, dialTcp } from '../transport/tcp.ts'
import type { DialTools } from './dial.ts'
import { passedState } from './passed-state.ts'
import type { DownstreamOrigin } from './stream-need.ts'

/** What the connection is for. */
export interface AddressPurpose {
  readonly cluster: Cluster
  readonly endpoint: Endpoint
  readonly tools: DialTools
  readonly connectTimeoutMs: number
  /** Whose filter state an internal listener gets to see. */
  readonly downstream: DownstreamOrigin | undefined
}

type SocketAddress = Extract<Address, { kind: 'socket' }>

/** Dials; the outcome comes in a later turn. */
export function dialAddress(address: Address, purpose: AddressPurpose, sink: DialSink): Dial {
  const { tools, connectTimeoutMs } = purpose
  switch (address.kind) {
    case 'socket':
      return isIP(address.host) === 0 ? dialNamed(address, purpose, sink) : dialSocket(address, purpose, sink)
    case 'pipe':
      return dialPipe({ path: address.path, clock: tools.clock, connectTimeoutMs }, sink)
    case 'internal':
      return tools.internal.dial(address.listener, address.endpointId, passedState(purpose), sink)
  }
}

function dialSocket(
  { host, port }: SocketAddress,
  { cluster, tools, connectTimeoutMs }: AddressPurpose,
  sink: DialSink,
): Dial {
  const bind = cluster.bindAddress === undefined ? {} : { localAddress: cluster.bindAddress }
  const keepAlive = cluster.keepalive === undefined ? {} : { keepAliveSeconds: cluster.keepalive.timeMs / 1000 }
  return dialTcp({ host, port, clock: tools.clock, connectTimeoutMs, ...bind, ...keepAlive }, sink)
}

/** Endpoints are resolved by discovery; only a proxy on the way may still be a name. */
function dialNamed(address: SocketAddress, purpose: AddressPurpose, sink: DialSink): Dial {
  const dial = new NamedDial(address, purpose, sink)
  void dial.start()
  return dial
}

class NamedDial implements Dial {
  readonly #address: SocketAddress
  readonly #purpose: AddressPurpose
  readonly #sink: DialSink
  readonly #startMs: number
  readonly #timer: Timer
  #dial: Dial | undefined
  #over = false

  constructor(address: SocketAddress, purpose: AddressPurpose, sink: DialSink) {
    const { tools, connectTimeoutMs } = purpose
    this.#address = address
    this.#purpose = purpose
    this.#sink = sink
    this.#startMs = tools.clock.now()
    const late = `the name did not resolve within ${connectTimeoutMs} ms`
    this.#timer = tools.clock.after(connectTimeoutMs, () => this.#fail(late, 'upstream_connection_timeout'))
  }

  async start(): Promise<void> {
    try {
      const [first] = await this.#purpose.tools.resolver.resolve(this.#address.host, 'both', false)
      if (first === undefined) this.#fail('the name has no address')
      else this.#found(first.address)
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    }
  }

  cancel(): void {
    this.#end()
    this.#dial?.cancel()
  }

  #found(host: string): void {
    if (!this.#end()) return
    const spentMs = this.#purpose.tools.clock.now() - this.#startMs
    const connectTimeoutMs = Math.max(1, this.#purpose.connectTimeoutMs - spentMs)
    this.#dial = dialSocket({ ...this.#address, host }, { ...this.#purpose, connectTimeoutMs }, this.#sink)
  }

  #fail(reason: string, code: ErrorCode = 'upstream_connection_failure'): void {
    const { host, port } = this.#address
    if (this.#end()) this.#sink.onConnectError(closeCause('upstream', 'tcp', code, `${host}:${port}: ${reason}`))
  }

  #end(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#timer.cancel()
    return true
  }
}
