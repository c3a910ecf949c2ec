// UDP peers on node:dgram: one that sends back what comes, and a client that keeps what it gets.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { until } from './waiting.ts'

export interface UdpEcho {
  readonly port: number
  /** What came, in order, with the ports it came from. */
  readonly received: readonly { readonly payload: Buffer; readonly from: number }[]
  /** Sends to a port that something came from. */
  send(payload: Buffer, port: number): void
  stop(): Promise<void>
}

/** Sends back every datagram as it is, unless `answer` makes another (or none) of it. */
export async function startUdpEcho(
  answer: (payload: Buffer) => Buffer | undefined = (payload) => payload,
  host = '127.0.0.1',
): Promise<UdpEcho> {
  const socket = await bound(host)
  const received: { readonly payload: Buffer; readonly from: number }[] = []
  socket.on('message', (payload: Buffer, from: RemoteInfo) => {
    received.push({ payload, from: from.port })
    const back = answer(payload)
    if (back !== undefined) socket.send(back, from.port, from.address)
  })
  return {
    port: socket.address().port,
    received,
    send: (payload, port) => socket.send(payload, port, host),
    stop: () => closed(socket),
  }
}

export interface UdpClient {
  readonly port: number
  readonly received: readonly Buffer[]
  send(payload: Buffer | string): void
  /** Waits until `count` datagrams have come in all. */
  has(count: number): Promise<readonly Buffer[]>
  /** Sends and waits for the next datagram that comes. */
  ask(payload: Buffer | string): Promise<string>
  stop(): Promise<void>
}

/** A client that talks to one port. */
export async function udpClient(port: number, host = '127.0.0.1'): Promise<UdpClient> {
  const socket = await bound(host)
  const received: Buffer[] = []
  socket.on('message', (payload: Buffer) => received.push(payload))
  const has = (count: number): Promise<readonly Buffer[]> =>
    until(() => (received.length >= count ? received : undefined), {
      what: `${count} datagrams`,
      ms: 5000,
      detail: () => `${received.length} came`,
    })
  return {
    port: socket.address().port,
    received,
    send: (payload) => socket.send(payload, port, host),
    has,
    async ask(payload) {
      const before = received.length
      socket.send(payload, port, host)
      return String((await has(before + 1))[before])
    },
    stop: () => closed(socket),
  }
}

function bound(host: string): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, host, () => resolve(socket))
  })
}

const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.close(() => resolve()))
