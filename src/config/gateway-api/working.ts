// What is shared while a configuration is worked out: the objects, their status, what there is to say, and the parts of
// the model made so far. Every step takes it as its first argument.

import type { Diagnostic } from '../diagnostics.ts'
import type { DialectOptions } from '../dialect.ts'
import type { Cluster } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import { type Conditions, StatusBook } from './condition.ts'
import type { GatewayValue, ListenerSpec } from './kinds/gateway.ts'
import type { Resource } from './resource.ts'
import { ResourceStore } from './store.ts'

export class Working {
  readonly store = new ResourceStore()
  readonly status = new StatusBook()
  readonly options: DialectOptions
  readonly diagnostics: Diagnostic[] = []
  /** By name; backends/ fills it in as backends are named. */
  readonly clusters = new Map<string, Cluster>()
  /** What backends/ was asked before, by cluster name. */
  readonly refusedBackends = new Map<string, string>()

  constructor(options: DialectOptions) {
    this.options = options
  }

  /** The object has no effect, or not the one that its author wanted. */
  error(spot: Spot, message: string, hint?: string): void {
    this.#say('error', spot, message, hint)
  }

  warning(spot: Spot, message: string, hint?: string): void {
    this.#say('warning', spot, message, hint)
  }

  #say(severity: Diagnostic['severity'], spot: Spot, message: string, hint: string | undefined): void {
    this.diagnostics.push({ severity, place: spot.place, message, ...(hint === undefined ? {} : { hint }) })
  }
}

/** `agc`: Azure Application Gateway for Containers, whose defaults differ. */
export type Flavour = 'plain' | 'agc'

/** A Gateway of an accepted class. */
export interface GatewayState {
  readonly resource: Resource<GatewayValue>
  readonly flavour: Flavour
  readonly conditions: Conditions
  readonly listeners: readonly ListenerState[]
}

export type RouteKindName = 'HTTPRoute' | 'GRPCRoute' | 'TLSRoute' | 'TCPRoute'

/** One listener of a Gateway. */
export interface ListenerState {
  readonly gateway: GatewayState
  readonly spec: ListenerSpec
  readonly spot: Spot
  /** The same as `status.part(gateway, name)`. */
  readonly conditions: Conditions
  /** Kinds of routes that may attach. */
  readonly supportedKinds: readonly RouteKindName[]
  /** Oldest first. Filled in by attach/. */
  readonly attached: AttachedRoute[]
}

/** A route on a listener. A route with several parentRefs to one listener is there once. */
export interface AttachedRoute {
  readonly route: Resource
  /** What its hostnames and the listener's have in common: lower case, exact, `*.suffix`, or `*` when neither names one. */
  readonly hostnames: readonly string[]
  /** Conditions of the parentRefs that brought it here. */
  readonly parents: readonly Conditions[]
}

/** Name of a parentRef's part in the status book. */
export const parentPart = (index: number): string => `parent:${index}`

/** Name of a policy's ancestor in the status book; the same text is read back for status.ancestors[].ancestorRef. */
export const ancestorPart = (gateway: Resource, sectionName?: string): string =>
  JSON.stringify({
    group: gateway.group,
    kind: gateway.kind,
    namespace: gateway.namespace,
    name: gateway.name,
    ...(sectionName === undefined ? {} : { sectionName }),
  })
