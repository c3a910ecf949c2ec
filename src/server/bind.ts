// Binds one address of a listener.

import { type Address, addressText } from '../config/model/address.ts'
import type { Listener } from '../config/model/listener.ts'
import type { UdpListener, UdpPort } from '../filter/udp/udp-listener.ts'
import { listenPipe } from '../transport/pipe.ts'
import { type AcceptSink, listenTcp, type StreamListener } from '../transport/tcp.ts'
import { StartError, systemReason } from './start-error.ts'

/** Listens on `address` (TCP: on `port`); rejects with a StartError in one sentence that names the field's place. */
export async function bindListener(
  listener: Listener,
  address: Address,
  port: number,
  reusePort: boolean,
  sink: AcceptSink,
): Promise<StreamListener> {
  const backlog = listener.tcpBacklogSize === undefined ? {} : { backlog: listener.tcpBacklogSize }
  const keepAlive = listener.keepalive === undefined ? {} : { keepAliveSeconds: listener.keepalive.timeMs / 1000 }
  try {
    switch (address.kind) {
      case 'socket':
        return await listenTcp({ host: address.host, port, reusePort, ...backlog, ...keepAlive }, sink)
      case 'pipe':
        return await listenPipe({ path: address.path, mode: address.mode, ...backlog }, sink)
      case 'internal':
        throw new Error('an internal address cannot be bound')
    }
  } catch (error) {
    throw new StartError(address.place, `cannot listen on ${addressText(address)}: ${systemReason(error)}`)
  }
}

/** Binds one address of a UDP listener on `port`, like {@link bindListener}. */
export async function bindUdp(
  listener: UdpListener,
  address: Address,
  port: number,
  reusePort: boolean,
): Promise<UdpPort> {
  try {
    if (address.kind !== 'socket') throw new Error('only an IP address and a port can be bound for UDP')
    return await listener.bind({ host: address.host, port, reusePort })
  } catch (error) {
    throw new StartError(address.place, `cannot listen on ${addressText(address)} (UDP): ${systemReason(error)}`)
  }
}
