// Connections within this process: a cluster dials an internal listener by name and both get one end of a memory pair,
// with back-pressure, half-close and reset as on TCP. Envoy: internal_listener, envoy_internal_address.

import { closeCause } from '../core/close-cause.ts'
import type { StreamAddress } from './byte-stream.ts'
import type { ConnectionState } from './connection-state.ts'
import type { Dial, DialSink } from './dial.ts'
import { memoryPair } from './memory.ts'
import type { ReplayableStream } from './replay.ts'

/** Who serves the connections to one name. */
export interface InternalAcceptor {
  /** False while it drains: a dial then fails. */
  readonly accepting: boolean
  onAccept(stream: ReplayableStream): void
}

/** As Envoy prints the client's side of such a connection. */
const CLIENT_ADDRESS: StreamAddress = {
  ip: 'internal_client_address',
  port: 0,
  text: 'envoy://internal_client_address/',
}

/** The address of internal listener `name`, as Envoy prints it. */
export const internalAddress = (name: string, endpointId = ''): StreamAddress => ({
  ip: name,
  port: 0,
  text: `envoy://${name}/${endpointId}`,
})

/** The internal listeners of a server by name. */
export class InternalNetwork {
  readonly #acceptors = new Map<string, InternalAcceptor>()
  readonly #bufferBytes: number

  /** `bufferBytes` may wait in each direction before a writer is told to stop. */
  constructor(bufferBytes: number) {
    this.#bufferBytes = bufferBytes
  }

  listen(name: string, acceptor: InternalAcceptor): void {
    this.#acceptors.set(name, acceptor)
  }

  /** Dials listener `name`. `state` travels with the connection: filter state and metadata that the configuration passes. */
  dial(name: string, endpointId: string, state: ConnectionState | undefined, sink: DialSink): Dial {
    let cancelled = false
    setImmediate(() => {
      if (cancelled) return
      const acceptor = this.#acceptors.get(name)
      if (acceptor?.accepting === true) this.#connect(acceptor, { name, endpointId }, state, sink)
      else sink.onConnectError(closeCause('proxy', 'tcp', 'upstream_connection_failure', refusal(name, acceptor)))
    })
    return {
      cancel: () => {
        cancelled = true
      },
    }
  }

  #connect(
    acceptor: InternalAcceptor,
    { name, endpointId }: { readonly name: string; readonly endpointId: string },
    state: ConnectionState | undefined,
    sink: DialSink,
  ): void {
    const upstream = internalAddress(name, endpointId)
    const { accepted, dialled } = memoryPair({ downstream: CLIENT_ADDRESS, upstream, poison: false })
    accepted.setHighWater(this.#bufferBytes)
    dialled.setHighWater(this.#bufferBytes)
    if (state !== undefined) accepted.amend({ state })
    acceptor.onAccept(accepted)
    sink.onConnect(dialled)
  }
}

const refusal = (name: string, acceptor: InternalAcceptor | undefined): string =>
  acceptor === undefined ? `there is no internal listener "${name}"` : `internal listener "${name}" is draining`
