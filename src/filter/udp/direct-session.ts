// A UDP session whose datagrams go to an endpoint of the cluster as they are, from a socket of its own: what comes back on it
// belongs to this client and to nobody else.

import type { CloseCause } from '../../core/close-cause.ts'
import { closeCause } from '../../core/close-cause.ts'
import { connectUdp, type UdpConnectSink, type UdpSink, type UdpSocket } from '../../transport/udp.ts'
import { hashOfConnection } from '../../route/hash-policy.ts'
import { DatagramBuffer } from './datagram-buffer.ts'
import { UdpSession } from './session.ts'

/** Datagrams that may wait for the socket, which is there within a turn or two of the loop. */
const UNTIL_CONNECTED = { maxDatagrams: 256, maxBytes: 256 * 1024 }

export class DirectSession extends UdpSession implements UdpSink, UdpConnectSink {
  readonly #early = new DatagramBuffer(UNTIL_CONNECTED)
  #socket: UdpSocket | undefined

  start(): void {
    const endpoint = this.upstream.runtime.pick({
      tried: [],
      hash: hashOfConnection(this.runtime.config.hashPolicies, this.facts),
    })
    if (endpoint.kind === 'none') {
      this.end(closeCause('upstream', 'udp', endpoint.code, endpoint.reason))
      return
    }
    const [address] = endpoint.addresses
    this.facts.upstreamHostName = endpoint.hostname
    this.facts.attempts = 1
    this.facts.attemptedHosts.push(endpoint.text)
    if (address?.kind !== 'socket') {
      const detail = `${endpoint.text} has no UDP address`
      this.end(closeCause('upstream', 'udp', 'upstream_connection_failure', detail))
      return
    }
    const { bindAddress } = this.upstream.cluster
    connectUdp({ host: address.host, port: address.port, bindAddress }, this, this)
  }

  onConnected(socket: UdpSocket): void {
    if (this.over) return socket.close()
    this.#socket = socket
    this.facts.upstream = socket
    this.facts.upstreamProtocol = 'UDP'
    this.established({
      endpoint: socket.remote.text,
      protocol: 'UDP',
      hopNote: '',
      queuedBytes: () => socket.queuedBytes,
    })
    this.#early.drain((payload) => {
      this.#send(socket, payload)
      return true
    })
  }

  onConnectFailed(cause: CloseCause): void {
    if (this.over) return
    this.runtime.clusterStats.txErrors.value++
    this.facts.upstreamTransportFailure = cause.detail
    this.end(cause)
  }

  onMessage(payload: Buffer): void {
    if (!this.over) this.toClient(payload, 0, payload.length)
  }

  /** Mostly "connection refused", for a datagram that was sent before. The client learns nothing, as without a proxy in between. */
  onReceiveError(): void {
    this.runtime.clusterStats.rxErrors.value++
  }

  onSendError(): void {
    this.runtime.clusterStats.txErrors.value++
  }

  protected toUpstream(payload: Buffer): void {
    if (this.#socket !== undefined) this.#send(this.#socket, payload)
    else if (!this.#early.keep(payload)) this.runtime.clusterStats.txErrors.value++
  }

  protected leaveUpstream(): void {
    this.#early.clear()
    this.#socket?.close()
  }

  #send(socket: UdpSocket, payload: Buffer): void {
    if (socket.send(payload, 0, payload.length)) this.countSent(payload.length)
    else this.runtime.clusterStats.txErrors.value++
  }
}
