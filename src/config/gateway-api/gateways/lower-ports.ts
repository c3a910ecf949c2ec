// Listeners of the model: one per address and port, with the listeners of all Gateways that share it. HTTP listeners share a
// chain; HTTPS and TLS listeners are chains by server name; a TCP listener has its port alone.

import { ANY_CONNECTION, type FilterChain, type Listener } from '../../model/listener.ts'
import { hostOrAny } from '../attach/hostname.ts'
import { lowerTcpListener } from '../l4/tcp-listener.ts'
import { lowerTlsListener } from '../l4/tls-listener.ts'
import { accessLogsFor } from '../policy/access-log.ts'
import type { ListenerState, Working } from '../working.ts'
import type { BoundGateway } from './bound-gateway.ts'
import { canServe } from './build.ts'
import { connectionManager } from './connection-manager.ts'
import { ownTable, sharedTable } from './virtual-hosts.ts'

interface Port {
  readonly address: string
  /** As the manifests say. */
  readonly port: number
  /** With their Gateways; the ones that cannot serve, accepted or not, still keep their hostname from wider ones. */
  readonly listeners: { readonly listener: ListenerState; readonly gateway: BoundGateway }[]
}

/** All listeners of the model. */
export function lowerPorts(working: Working, gateways: readonly BoundGateway[]): readonly Listener[] {
  const ports = new Map<string, Port>()
  for (const gateway of gateways) {
    for (const address of gateway.addresses) {
      for (const listener of gateway.state.listeners) {
        const { port } = listener.spec
        const known = ports.get(`${address} ${port}`) ?? { address, port, listeners: [] }
        known.listeners.push({ listener, gateway })
        ports.set(`${address} ${port}`, known)
      }
    }
  }
  return [...ports.values()].map((port) => lowerPort(working, port)).filter((listener) => listener !== undefined)
}

function lowerPort(working: Working, port: Port): Listener | undefined {
  const { listeners } = port
  const serving = listeners.filter(({ listener, gateway }) => canServe(listener, gateway.tls))
  const [first] = serving
  if (first === undefined) return undefined
  const chains = chainsOf(working, port, serving)
  const named = chains.filter(({ match }) => match !== undefined)
  const isTls = first.listener.spec.protocol === 'HTTPS' || first.listener.spec.protocol === 'TLS'
  const { place } = first.listener.spot
  return {
    name: `${port.address}:${port.port}`,
    internal: false,
    addresses: [
      { kind: 'socket', host: port.address, port: working.options.portMap?.get(port.port) ?? port.port, place },
    ],
    statPrefix: `${port.address}_${port.port}`.replaceAll(':', '_'),
    chains: named,
    defaultChain: chains.find(({ match }) => match === undefined),
    filters: isTls ? [{ kind: 'tls-inspector' }] : [],
    udp: undefined,
    listenerFiltersTimeoutMs: 15_000,
    continueOnListenerFiltersTimeout: false,
    bufferLimitBytes: 1024 * 1024,
    tcpBacklogSize: undefined,
    reusePort: true,
    bindToPort: true,
    keepalive: undefined,
    accessLogs: [],
    trafficDirection: 'unspecified',
    place,
  }
}

type Serving = Port['listeners']

function chainsOf(working: Working, port: Port, serving: Serving): readonly FilterChain[] {
  const http = serving.filter(({ listener }) => listener.spec.protocol === 'HTTP')
  const others = serving.filter(({ listener }) => listener.spec.protocol !== 'HTTP')
  return [
    ...httpChain(working, port, http),
    ...others.flatMap(({ listener, gateway }) => chainOf(working, port, listener, gateway)),
  ]
}

function httpChain(working: Working, port: Port, serving: Serving): readonly FilterChain[] {
  const [first] = serving
  if (first === undefined) return []
  const { listener, gateway } = first
  const name = `${port.address}:${port.port}`
  const routes = sharedTable(
    working,
    name,
    serving.map((each) => each.listener),
    listener.spot.place,
  )
  return [
    {
      ...bareChain(listener),
      filter: connectionManager(
        gateway.state.flavour,
        statPrefix(listener),
        routes,
        accessLogsFor(working, gateway.state),
      ),
    },
  ]
}

function chainOf(working: Working, port: Port, listener: ListenerState, gateway: BoundGateway): readonly FilterChain[] {
  const tls = gateway.tls.get(listener)
  switch (listener.spec.protocol) {
    case 'HTTPS': {
      const neighbours = port.listeners.map((each) => each.listener).filter(({ spec }) => spec.protocol === 'HTTPS')
      const routes = ownTable(working, `${port.address}:${port.port}/${listener.spec.name}`, listener, neighbours)
      const host = hostOrAny(listener.spec.hostname)
      const logs = accessLogsFor(working, gateway.state)
      return [
        {
          ...bareChain(listener),
          match: host === '*' ? undefined : serverNames([host]),
          tls: tls === undefined ? undefined : { ...tls, alpn: ['h2', 'http/1.1'] },
          filter: connectionManager(gateway.state.flavour, statPrefix(listener), routes, logs),
        },
      ]
    }
    case 'TLS':
      return lowerTlsListener(working, listener, tls)
    case 'TCP': {
      const chain = lowerTcpListener(working, listener)
      return [chain ?? bareChain(listener)]
    }
    default:
      return []
  }
}

const statPrefix = ({ gateway, spec }: ListenerState): string =>
  `${gateway.resource.namespace}/${gateway.resource.name}/${spec.name}`

/** Connections that chains take by their server names. */
const serverNames = (names: readonly string[]): FilterChain['match'] => ({ ...ANY_CONNECTION, serverNames: names })

const bareChain = (listener: ListenerState): FilterChain => ({
  name: statPrefix(listener),
  match: undefined,
  tls: undefined,
  transportSocketConnectTimeoutMs: 10_000,
  gates: [],
  filter: undefined,
  place: listener.spot.place,
})
