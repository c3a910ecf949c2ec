// Gateways with their listeners, judged as far as they can be without routes: class, addresses, protocols, kinds,
// conflicts, TLS.

import type { DownstreamTls } from '../../model/tls.ts'
import type { Conditions } from '../condition.ts'
import { GATEWAY, type GatewayValue } from '../kinds/gateway.ts'
import type { Resource } from '../resource.ts'
import { listenerTls } from '../tls/listener-tls.ts'
import type { GatewayState, ListenerState, Working } from '../working.ts'
import { gatewayAddresses } from './addresses.ts'
import type { BoundGateway } from './bound-gateway.ts'
import { classFlavour } from './classes.ts'
import { findConflicts } from './conflicts.ts'
import { isSupportedProtocol, listenerKinds } from './route-kinds.ts'

/** All Gateways of accepted classes, older first. */
export function buildGateways(working: Working): readonly BoundGateway[] {
  const gateways = working.store.all(GATEWAY).flatMap((resource) => {
    const built = buildGateway(working, resource)
    return built === undefined ? [] : [built]
  })
  findConflicts(gateways)
  return gateways.map((gateway) => ({ ...gateway, tls: terminate(working, gateway.state) }))
}

function buildGateway(working: Working, resource: Resource<GatewayValue>): BoundGateway | undefined {
  const flavour = classFlavour(working, resource.value.spec.gatewayClassName)
  if (flavour === undefined) return undefined
  const conditions = working.status.of(resource)
  const listeners: ListenerState[] = []
  const state: GatewayState = { resource, flavour, conditions, listeners }
  const { spec } = resource.value
  const spot = resource.spot.key('spec').key('listeners')
  for (const [index, listener] of spec.listeners.entries()) {
    const { supported, invalid } = listenerKinds(listener)
    const built: ListenerState = {
      gateway: state,
      spec: listener,
      spot: spot.at(index),
      conditions: working.status.part(resource, listener.name),
      supportedKinds: supported,
      attached: [],
    }
    judgeListener(working, built, invalid)
    listeners.push(built)
  }
  judgeExtras(working, resource, conditions)
  const addresses = gatewayAddresses(working, resource, flavour, conditions)
  return { state, addresses: conditions.get('Accepted')?.status === 'False' ? [] : addresses, tls: new Map() }
}

function judgeListener(working: Working, listener: ListenerState, invalidKinds: readonly string[]): void {
  const { spec, conditions, spot } = listener
  if (!isSupportedProtocol(spec.protocol)) {
    const message = `the protocol ${spec.protocol} is not supported; HTTP, HTTPS, TLS and TCP are`
    conditions.set({ type: 'Accepted', status: 'False', reason: 'UnsupportedProtocol', message })
    conditions.set({ type: 'Programmed', status: 'False', reason: 'Invalid', message })
    working.error(spot.key('protocol'), message)
  }
  if (invalidKinds.length > 0) {
    const message = `no ${spec.protocol} listener takes routes of kind ${invalidKinds.join(', ')}`
    conditions.set({ type: 'ResolvedRefs', status: 'False', reason: 'InvalidRouteKinds', message })
    if (listener.supportedKinds.length === 0)
      conditions.set({ type: 'Programmed', status: 'False', reason: 'Invalid', message })
    working.error(spot.key('allowedRoutes').key('kinds'), message)
  }
}

/** What a cluster would do and files cannot. */
function judgeExtras(working: Working, resource: Resource<GatewayValue>, conditions: Conditions): void {
  const { infrastructure, allowedListeners } = resource.value.spec
  const spot = resource.spot.key('spec')
  if (infrastructure?.parametersRef !== undefined) {
    const message = `parameters of kind ${infrastructure.parametersRef.kind} are not known`
    conditions.set({ type: 'Accepted', status: 'False', reason: 'InvalidParameters', message })
    working.error(spot.key('infrastructure').key('parametersRef'), `${message}; the Gateway is not served`)
  }
  if (infrastructure?.labels !== undefined || infrastructure?.annotations !== undefined)
    working.warning(spot.key('infrastructure'), 'there are no objects of a cluster to put labels and annotations on')
  if (allowedListeners !== undefined)
    working.warning(spot.key('allowedListeners'), 'ListenerSet is not supported by Sluice; only own listeners serve')
}

function terminate(working: Working, { listeners }: GatewayState): ReadonlyMap<ListenerState, DownstreamTls> {
  const found = new Map<ListenerState, DownstreamTls>()
  for (const listener of listeners) {
    const { protocol, tls } = listener.spec
    if (protocol !== 'HTTPS' && !(protocol === 'TLS' && tls?.mode === 'Terminate')) continue
    const made = listenerTls(working, listener)
    if (made !== undefined) found.set(listener, made)
  }
  return found
}

/** Whether it serves: accepted, and able to speak TLS if it has to. */
export function canServe(listener: ListenerState, tls: ReadonlyMap<ListenerState, DownstreamTls>): boolean {
  const { spec, conditions } = listener
  if (conditions.get('Accepted')?.status === 'False' || conditions.get('Programmed')?.status === 'False') return false
  if (spec.protocol === 'HTTPS' || (spec.protocol === 'TLS' && spec.tls?.mode === 'Terminate')) return tls.has(listener)
  return true
}
