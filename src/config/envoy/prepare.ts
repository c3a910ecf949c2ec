// The tree as JSON that the schema library can take. On the way: enum names in any case, names that no message has,
// the first Envoy generation's `use_websocket`, and Sluice's own field on route upgrades, which the schema lacks.

import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { nearestName } from '../model/nearest-name.ts'
import { Spot, toJson, type Json, type SourceNode } from '../source/tree.ts'
import { anyMessage, enumName, fieldsOf, hasOwnJsonForm, isAny, typeNameAt } from './field-path.ts'
import type { Loading } from './loading.ts'
import { HttpFilterSchema } from './messages.ts'

/** JSON of Sluice's own fields, by the path of the message they stood in. */
export type OwnFields = Map<string, OwnField>

export interface OwnField {
  readonly spot: Spot
  readonly filters: Json[]
  /** The JSON they were taken out of, for the dump to show them again. */
  readonly owner: { [key: string]: Json }
}

export interface Prepared {
  readonly json: Json
  /** HTTP filters of `upgrade_configs[]` entries of routes. */
  readonly upgradeFilters: OwnFields
}

/** Prepares the tree for `message`; what cannot be named is reported to `loading`. */
export function prepare(loading: Loading, message: DescMessage, root: Spot): Prepared {
  const walker = new Preparation(loading)
  return { json: walker.message(message, root), upgradeFilters: walker.upgradeFilters }
}

const ROUTE_ACTION = 'envoy.config.route.v3.RouteAction'
const ROUTE_UPGRADE = 'envoy.config.route.v3.RouteAction.UpgradeConfig'

class Preparation {
  private readonly loading: Loading
  readonly upgradeFilters: OwnFields = new Map()

  constructor(loading: Loading) {
    this.loading = loading
  }

  message(message: DescMessage, spot: Spot): Json {
    const node = spot.node
    if (node === undefined) return null
    if (node.kind !== 'map' || hasOwnJsonForm(message)) return toJson(node)
    if (isAny(message)) return this.any(spot, node)
    const json: { [key: string]: Json } = {}
    for (const [key, { value }] of node.entries) {
      const field = fieldsOf(message).get(key)
      if (field === undefined) this.unnamed(message, spot, key, value, json)
      else if (json[field.name] !== undefined) this.twice(spot, key, field)
      else json[field.name] = this.field(field, spot.field(key))
    }
    if (message.typeName === ROUTE_ACTION) this.oldWebSocket(spot, json)
    return json
  }

  /** The value of one field; also used by the locator. */
  field(field: DescField, spot: Spot): Json {
    const node = spot.node
    if (node === undefined) return null
    if (field.fieldKind === 'list' && node.kind === 'list') {
      return node.items.map((_, index) => this.value(field, spot.at(index)))
    }
    if (field.fieldKind === 'map' && node.kind === 'map') {
      return Object.fromEntries([...node.entries.keys()].map((key) => [key, this.value(field, spot.key(key))]))
    }
    return this.value(field, spot)
  }

  private value(field: DescField, spot: Spot): Json {
    const node = spot.node
    if (node === undefined) return null
    if (field.message !== undefined) return this.message(field.message, spot)
    if (field.enum !== undefined && node.kind === 'scalar' && typeof node.value === 'string') {
      return enumName(field.enum, node.value) ?? node.value
    }
    return toJson(node)
  }

  private any(spot: Spot, node: SourceNode): Json {
    const message = anyMessage(spot, this.loading.registry)
    if (message === undefined || hasOwnJsonForm(message)) return toJson(node)
    const typed = typeNameAt(spot) ?? ''
    const inner = node.kind === 'map' ? new Map([...node.entries].filter(([key]) => key !== '@type')) : new Map()
    const json = this.message(
      message,
      new Spot({ kind: 'map', place: node.place, entries: inner }, spot.path, node.place),
    )
    return { '@type': `type.googleapis.com/${typed}`, ...(isObject(json) ? json : {}) }
  }

  private unnamed(
    message: DescMessage,
    spot: Spot,
    key: string,
    value: SourceNode,
    json: { [key: string]: Json },
  ): void {
    const child = spot.field(key)
    if (message.typeName === ROUTE_UPGRADE && key === 'filters' && value.kind === 'list') {
      const filters = value.items.map((_, index) => this.message(HttpFilterSchema, child.at(index)))
      this.upgradeFilters.set(spot.path, { spot: child, filters, owner: json })
      return
    }
    if (message.typeName === ROUTE_ACTION && isOldWebSocket(key)) return
    const nearest = nearestName(
      key,
      message.fields.map((field) => field.name),
    )
    const sentence = `no such field in ${message.typeName}${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`
    if (this.loading.options.allowUnknownFields === true) this.loading.warning(child, sentence, 'it is left out')
    else this.loading.errorAtKey(child, sentence, moved(message.typeName, key))
  }

  private twice(spot: Spot, key: string, field: DescField): void {
    this.loading.errorAtKey(spot.field(key), `the field is set twice, as "${field.name}" and as "${field.jsonName}"`)
  }

  /** `use_websocket: true` of the first Envoy generation: an upgrade of that type on this route. */
  private oldWebSocket(spot: Spot, json: { [key: string]: Json }): void {
    const old = ['use_websocket', 'useWebsocket'].find((name) => spot.has(name))
    if (old === undefined) return
    const field = spot.field(old)
    const value = field.node?.kind === 'scalar' ? field.node.value : undefined
    if (typeof value !== 'boolean') return this.loading.error(field, 'expected true or false')
    this.loading.warning(
      field,
      'use_websocket belongs to the first generation of Envoy and is deprecated',
      'write upgrade_configs: [{upgrade_type: websocket}] instead',
    )
    if (!value) return
    const listed = json['upgrade_configs']
    json['upgrade_configs'] = [...(Array.isArray(listed) ? listed : []), { upgrade_type: 'websocket' }]
  }
}

const isOldWebSocket = (key: string): boolean => key === 'use_websocket' || key === 'useWebsocket'

const isObject = (json: Json): json is { [key: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json)

/** What became of names that old configurations still have. */
function moved(message: string, key: string): string | undefined {
  if (key === 'config') return 'the old "config" of filters is gone; use typed_config with "@type"'
  if (key === 'hosts' && message.endsWith('.Cluster')) return 'endpoints stand in load_assignment since Envoy 1.18'
  if (message.endsWith('.Bootstrap')) {
    if (['listeners', 'clusters', 'secrets'].includes(key)) return `"${key}" stands in static_resources`
    if (key === 'apiVersion')
      return 'this is a Kubernetes object; an Envoy bootstrap starts with static_resources or admin'
  }
  if (key === 'tls_context') return 'TLS stands in transport_socket with typed_config'
  return undefined
}
