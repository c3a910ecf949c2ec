// What one load of an Envoy configuration shares: the type registry, the findings so far, and unpacked messages.

import type { Message, Registry } from '@bufbuild/protobuf'
import { anyUnpack, type Any } from '@bufbuild/protobuf/wkt'
import type { Diagnostic } from '../diagnostics.ts'
import type { DnsCacheConfig } from '../model/dns-cache.ts'
import type { Place } from '../model/place.ts'
import type { Spot } from '../source/tree.ts'
import type { DnsCacheConfig as DnsCacheMessage, HttpFilter, Secret } from './messages.ts'

/** Switches that change what is accepted. */
export interface EnvoyOptions {
  /** `--allow-unknown-static-fields`: a name that no message has is a warning and left out. */
  readonly allowUnknownFields?: boolean
  /** `--service-node` and `--service-cluster`, which win over the file's `node`. */
  readonly nodeId?: string
  readonly nodeCluster?: string
  /** Environment that `environment_variable` data sources read. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Wall clock in milliseconds, to tell expired certificates. */
  readonly now?: number
}

/** A secret that contexts refer to by name. */
export interface NamedSecret {
  readonly secret: Secret
  readonly spot: Spot
}

/** HTTP filters in a place where Envoy has none. */
export interface OwnFilters {
  readonly filters: readonly HttpFilter[]
  readonly spot: Spot
}

/** A DNS cache as it was first described. */
export interface SharedDnsCache {
  readonly message: DnsCacheMessage
  readonly config: DnsCacheConfig
}

export class Loading {
  readonly registry: Registry
  readonly options: EnvoyOptions
  readonly diagnostics: Diagnostic[] = []
  /** Names of the static clusters, for references to them. */
  readonly clusterNames = new Set<string>()
  /** Names of the internal listeners. */
  readonly internalListeners = new Set<string>()
  /** Caches of names by the name of the cache: filters and clusters share one. */
  readonly dnsCaches = new Map<string, SharedDnsCache>()
  /** The bootstrap extension that internal listeners need is there. */
  internalListenersAllowed = false
  /** static_resources.secrets by name. */
  readonly secrets = new Map<string, NamedSecret>()
  /** Filters of route upgrades, by the path of the upgrade_configs entry they stand in. */
  readonly upgradeFilters = new Map<string, OwnFilters>()
  private readonly unpacked = new WeakMap<Any, Message>()

  constructor(registry: Registry, options: EnvoyOptions) {
    this.registry = registry
    this.options = options
  }

  get environment(): Readonly<Record<string, string | undefined>> {
    return this.options.environment ?? process.env
  }

  /** Something that keeps the configuration from running. */
  error(spot: Spot, message: string, hint?: string): void {
    this.add('error', spot.place, message, hint)
  }

  /** The same, about the field's name rather than its value. */
  errorAtKey(spot: Spot, message: string, hint?: string): void {
    this.add('error', spot.placeOfKey, message, hint)
  }

  /** Something worth saying that does not stop anything. */
  warning(spot: Spot, message: string, hint?: string): void {
    this.add('warning', spot.placeOfKey, message, hint)
  }

  /** A warning about something that was lowered already. */
  warningAt(place: Place, message: string, hint?: string): void {
    this.add('warning', place, message, hint)
  }

  /** The message inside; undefined when it is empty or of a type that nobody registered. */
  unpack(any: Any | undefined): Message | undefined {
    if (any === undefined || any.typeUrl === '') return undefined
    const known = this.unpacked.get(any)
    if (known !== undefined) return known
    const message = anyUnpack(any, this.registry)
    if (message !== undefined) this.unpacked.set(any, message)
    return message
  }

  private add(severity: Diagnostic['severity'], place: Diagnostic['place'], message: string, hint?: string): void {
    this.diagnostics.push(hint === undefined ? { severity, place, message } : { severity, place, message, hint })
  }
}
