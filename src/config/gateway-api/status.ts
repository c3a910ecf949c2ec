// Objects with their status, in the shape that a controller would write. What other controllers wrote stays. Gateway API:
// GatewayStatus, RouteStatus, PolicyStatus.

import type { ConfigObject } from '../dialect.ts'
import { attachableRoute } from './attach/attachable.ts'
import type { Condition, Conditions } from './condition.ts'
import { SUPPORTED_FEATURES } from './features.ts'
import { controllerName } from './gateways/classes.ts'
import type { BoundGateway } from './gateways/bound-gateway.ts'
import { GATEWAY_CLASS } from './kinds/gateway-class.ts'
import { GATEWAY } from './kinds/gateway.ts'
import { KINDS } from './kinds/registry.ts'
import { isOf, type StatusShape } from './kinds/kind.ts'
import { isRecord } from './plain-data.ts'
import type { Resource } from './resource.ts'
import { servicesOf } from './policy/used-services.ts'
import { type RefusedObject, refusedConditions, refusedParents, refusedTargets } from './refused.ts'
import { ancestorPart, parentPart, type Working } from './working.ts'

/** Every object, secrets redacted. */
export function objectsWithStatus(working: Working, gateways: readonly BoundGateway[]): readonly ConfigObject[] {
  const writer = new StatusWriter(working, gateways)
  const accepted = working.store.everything().map((resource) => ({ resource, value: writer.value(resource) }))
  const refused = working.store.refused.map((each) => ({ resource: each.resource, value: writer.refused(each) }))
  return [...accepted, ...refused]
    .sort((a, b) => a.resource.order - b.resource.order)
    .map(({ resource: { kind, name, namespace }, value }) => ({ kind, name, namespace, value }))
}

type Status = Readonly<Record<string, unknown>>

class StatusWriter {
  readonly #working: Working
  readonly #gateways: readonly BoundGateway[]
  readonly #time: string

  constructor(working: Working, gateways: readonly BoundGateway[]) {
    this.#working = working
    this.#gateways = gateways
    this.#time = new Date(working.options.now ?? Date.now()).toISOString().replace(/\.\d+Z$/, 'Z')
  }

  value(resource: Resource): unknown {
    const raw = isRecord(resource.raw) ? resource.raw : {}
    if (resource.kind === 'Secret') return redacted(raw)
    const old = isRecord(raw['status']) ? raw['status'] : {}
    const status = this.#status(resource, old)
    return status === undefined ? raw : { ...raw, status }
  }

  /** What a controller would write if the API server let such an object pass. */
  refused(object: RefusedObject): unknown {
    const { resource, kind } = object
    const raw = isRecord(resource.raw) ? resource.raw : {}
    if (resource.kind === 'Secret') return redacted(raw)
    const status = this.#refusedStatus(object, kind.status)
    return status === undefined ? raw : { ...raw, status }
  }

  #refusedStatus(object: RefusedObject, shape: StatusShape): Status | undefined {
    const { resource } = object
    const conditions = refusedConditions(object).map((each) => this.#condition(each, resource.generation))
    switch (shape) {
      case 'none':
        return undefined
      case 'conditions':
      case 'gateway':
        return { conditions }
      case 'parents':
        return {
          parents: refusedParents(object).map((parentRef) => ({
            parentRef,
            controllerName: this.#controllerOf(parentRef['namespace'] ?? resource.namespace, parentRef['name']),
            conditions,
          })),
        }
      case 'ancestors':
        return { ancestors: this.#refusedAncestors(object, conditions) }
    }
  }

  /** The Gateways whose routes use what the policy names. */
  #refusedAncestors(object: RefusedObject, conditions: readonly unknown[]): readonly unknown[] {
    const targets = refusedTargets(object)
    return this.#gateways
      .filter(({ state }) => targets.some((target) => servicesOf(state).has(target)))
      .map(({ state: { resource } }) => {
        const ancestorRef: unknown = JSON.parse(ancestorPart(resource))
        return { ancestorRef, controllerName: this.#controllerOf(resource.namespace, resource.name), conditions }
      })
  }

  #controllerOf(namespace: unknown, name: unknown): string {
    const gateway = this.#working.store.get(GATEWAY, String(namespace), String(name))
    return controllerName(this.#working, gateway?.value.spec.gatewayClassName ?? '')
  }

  #status(resource: Resource, old: Status): Status | undefined {
    const shape = shapeOf(resource)
    switch (shape) {
      case 'none':
        return undefined
      case 'conditions':
        return this.#ownConditions(resource)
      case 'gateway':
        return this.#gateway(resource)
      case 'parents':
        return { ...old, parents: this.#parents(resource, old) }
      case 'ancestors':
        return { ...old, ancestors: this.#ancestors(resource, old) }
    }
  }

  #ownConditions(resource: Resource): Status {
    const conditions = this.#conditions(resource, this.#working.status.of(resource))
    if (!isOf(GATEWAY_CLASS, resource)) return { conditions }
    return { conditions, supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })) }
  }

  #gateway(resource: Resource): Status | undefined {
    const found = this.#gateways.find(({ state }) => state.resource === resource)
    // Another controller's, or of a class that was refused: as the API server fills it in.
    if (found === undefined) return { conditions: this.#pending(['Accepted', 'Programmed']) }
    return {
      addresses: found.addresses.map((value) => ({ type: 'IPAddress', value })),
      conditions: this.#conditions(resource, found.state.conditions),
      listeners: found.state.listeners.map(({ spec, supportedKinds, attached, conditions }) => ({
        name: spec.name,
        supportedKinds: supportedKinds.map((kind) => ({ group: 'gateway.networking.k8s.io', kind })),
        attachedRoutes: attached.length,
        conditions: this.#conditions(resource, conditions),
      })),
    }
  }

  #parents(resource: Resource, old: Status): readonly unknown[] {
    const own = (attachableRoute(resource)?.parentRefs ?? []).flatMap((reference, index) => {
      const part = this.#working.status.parts(resource).get(parentPart(index))
      if (part === undefined) return []
      return [
        {
          parentRef: reference,
          controllerName: this.#controllerOf(reference.namespace ?? resource.namespace, reference.name),
          conditions: this.#conditions(resource, part),
        },
      ]
    })
    return [...this.#ofOthers(old['parents']), ...own]
  }

  #ancestors(resource: Resource, old: Status): readonly unknown[] {
    const own = [...this.#working.status.parts(resource)].map(([part, conditions]) => {
      const ancestorRef: unknown = JSON.parse(part)
      const { namespace, name } = isRecord(ancestorRef) ? ancestorRef : {}
      return {
        ancestorRef,
        controllerName: this.#controllerOf(namespace, name),
        conditions: this.#conditions(resource, conditions),
      }
    })
    return [...this.#ofOthers(old['ancestors']), ...own]
  }

  /** Entries that controllers of no class in these files wrote. */
  #ofOthers(entries: unknown): readonly unknown[] {
    const ours = new Set(
      this.#working.store.all(GATEWAY).map(({ value }) => controllerName(this.#working, value.spec.gatewayClassName)),
    )
    return Array.isArray(entries)
      ? entries.filter((entry: unknown) => isRecord(entry) && !ours.has(String(entry['controllerName'])))
      : []
  }

  #conditions({ generation }: Resource, conditions: Conditions): readonly unknown[] {
    return conditions.list().map((condition) => this.#condition(condition, generation))
  }

  #condition({ type, status, reason, message }: Condition, observedGeneration: number): unknown {
    return { type, status, reason, message, observedGeneration, lastTransitionTime: this.#time }
  }

  #pending(types: readonly string[]): readonly unknown[] {
    return types.map((type) => ({
      type,
      status: 'Unknown',
      reason: 'Pending',
      message: 'Waiting for controller',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    }))
  }
}

const shapeOf = ({ group, kind }: Resource): StatusShape =>
  KINDS.find((each) => each.group === group && each.kind === kind)?.status ?? 'none'

/** Names of a Secret's entries without what they hold. */
function redacted(raw: Status): Status {
  const hide = (entries: unknown): unknown =>
    isRecord(entries) ? Object.fromEntries(Object.keys(entries).map((key) => [key, '[redacted]'])) : undefined
  const { data, stringData, metadata, ...rest } = raw
  return {
    ...rest,
    metadata: withoutLastApplied(metadata),
    ...(data === undefined ? {} : { data: hide(data) }),
    ...(stringData === undefined ? {} : { stringData: hide(stringData) }),
  }
}

/** kubectl keeps the whole object, with its secrets, in an annotation. */
function withoutLastApplied(metadata: unknown): unknown {
  if (!isRecord(metadata) || !isRecord(metadata['annotations'])) return metadata
  const { 'kubectl.kubernetes.io/last-applied-configuration': _hidden, ...annotations } = metadata['annotations']
  return { ...metadata, annotations }
}
