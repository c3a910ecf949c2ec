// Listeners that cannot stand side by side on one port. Within a Gateway all that are involved lose; between Gateways that
// listen on the same address the older one's stays. Gateway API: Listener, "distinct" and "compatible".

import { resourceName } from '../resource.ts'
import { commonHosts, hostOrAny } from '../attach/hostname.ts'
import type { ListenerState } from '../working.ts'
import type { BoundGateway } from './bound-gateway.ts'

/** HTTPS and TLS share a port by server name; everything else has its port alone. */
const family = ({ spec }: ListenerState): string =>
  spec.protocol === 'HTTPS' || spec.protocol === 'TLS' ? 'TLS' : spec.protocol

const host = ({ spec }: ListenerState): string => hostOrAny(spec.hostname)

/** Marks conflicts. Older Gateways first. */
export function findConflicts(gateways: readonly BoundGateway[]): void {
  for (const [index, gateway] of gateways.entries()) {
    const listeners = gateway.state.listeners.filter(isInOrder)
    for (const listener of listeners) {
      const clashing = listeners.filter((other) => other !== listener && clash(listener, other) !== undefined)
      const [other] = clashing
      if (other !== undefined) conflict(listener, other)
    }
    for (const older of gateways.slice(0, index)) {
      if (older.addresses.some((address) => gateway.addresses.includes(address))) giveWay(gateway, older)
    }
    for (const listener of listeners) overlap(listener, listeners)
  }
}

const isInOrder = ({ conditions }: ListenerState): boolean => conditions.get('Accepted')?.status !== 'False'

function clash(a: ListenerState, b: ListenerState): 'ProtocolConflict' | 'HostnameConflict' | undefined {
  if (a.spec.port !== b.spec.port) return undefined
  if (family(a) !== family(b)) return 'ProtocolConflict'
  if (family(a) === 'TCP') return 'ProtocolConflict'
  return host(a) === host(b) ? 'HostnameConflict' : undefined
}

function conflict(listener: ListenerState, other: ListenerState): void {
  const reason = clash(listener, other) ?? 'ProtocolConflict'
  const message = `the listener ${other.spec.name} has the same port${reason === 'HostnameConflict' ? ' and hostname' : ' with another protocol'}`
  const { conditions } = listener
  conditions.set({ type: 'Conflicted', status: 'True', reason, message })
  conditions.set({ type: 'Accepted', status: 'False', reason, message })
  conditions.set({ type: 'Programmed', status: 'False', reason: 'Invalid', message })
}

function giveWay(gateway: BoundGateway, older: BoundGateway): void {
  for (const listener of gateway.state.listeners.filter(isInOrder)) {
    const other = older.state.listeners.find((each) => isInOrder(each) && clash(listener, each) !== undefined)
    if (other === undefined) continue
    const message = `the Gateway ${resourceName(older.state.resource)} has port ${listener.spec.port} of that address for itself (listener ${other.spec.name}); give one of them an address of its own`
    listener.conditions.set({ type: 'Accepted', status: 'False', reason: 'PortUnavailable', message })
    listener.conditions.set({ type: 'Programmed', status: 'False', reason: 'Invalid', message })
  }
}

/** Browsers reuse a connection for every name on its certificate: 421 sends them back. Gateway API: OverlappingTLSConfig. */
function overlap(listener: ListenerState, all: readonly ListenerState[]): void {
  if (listener.spec.protocol !== 'HTTPS' || !isInOrder(listener)) return
  const other = all.find(
    (each) =>
      each !== listener &&
      each.spec.protocol === 'HTTPS' &&
      each.spec.port === listener.spec.port &&
      isInOrder(each) &&
      commonHosts(host(listener), [host(each)]).length > 0,
  )
  if (other === undefined) return
  listener.conditions.set({
    type: 'OverlappingTLSConfig',
    status: 'True',
    reason: 'OverlappingHostnames',
    message: `its hostnames overlap with those of the listener ${other.spec.name}; a request for the other one gets 421`,
  })
}
