// Metadata of clusters, localities and endpoints: what is passed on as it is, and what a known key means.
// Envoy: config.core.v3.Metadata.

import { isMessage, type DescMessage, type JsonValue, type MessageShape } from '@bufbuild/protobuf'
import type { FilterMetadata } from '../model/metadata.ts'
import { PART_KEYS } from '../model/model-part.ts'
import { nearestName } from '../model/nearest-name.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import type { Metadata } from './messages.ts'

/** Keys of typed_filter_metadata that something reads. */
export const METADATA_KEYS = {
  httpProxy: 'envoy.http11_proxy_transport_socket.proxy_address',
  proxyProtocol: 'envoy.transport_sockets.proxy_protocol',
  targetPolicy: 'sluice.target_policy',
  clusterPart: PART_KEYS.cluster,
  listenerPart: PART_KEYS.listener,
  tablePart: PART_KEYS.table,
  routePart: PART_KEYS.route,
} as const

/** filter_metadata; undefined when there is none. */
export function lowerMetadata(message: Metadata | undefined): FilterMetadata | undefined {
  const namespaces = Object.entries(message?.filterMetadata ?? {})
  if (namespaces.length === 0) return undefined
  return new Map(
    namespaces.map(([namespace, values]) => [
      namespace,
      new Map(Object.entries(values).map(([key, value]) => [key, text(value)])),
    ]),
  )
}

const text = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** A message of typed_filter_metadata with its spot. */
export interface TypedMetadata<Schema extends DescMessage> {
  readonly message: MessageShape<Schema>
  readonly spot: Spot
}

/** What stands under `key` (one of {@link METADATA_KEYS}); another type there is an error. */
export function typedMetadata<Schema extends DescMessage>(
  loading: Loading,
  metadata: Metadata | undefined,
  spot: Spot,
  { key, schema }: { readonly key: string; readonly schema: Schema },
): TypedMetadata<Schema> | undefined {
  const any = metadata?.typedFilterMetadata[key]
  if (any === undefined) return undefined
  const at = spot.field('typed_filter_metadata').key(key)
  const message = loading.unpack(any)
  if (isMessage(message, schema)) return { message, spot: at }
  loading.error(at.key('@type'), `must be a ${schema.typeName}`, `"@type": type.googleapis.com/${schema.typeName}`)
  return undefined
}

/** A key that is almost one that is read leaves a policy or a proxy out without a word. */
export function checkMetadataKeys(loading: Loading, metadata: Metadata | undefined, spot: Spot): void {
  const known = Object.values<string>(METADATA_KEYS)
  for (const [key, any] of Object.entries(metadata?.typedFilterMetadata ?? {})) {
    if (known.includes(key)) continue
    const at = spot.field('typed_filter_metadata').key(key)
    const nearest = nearestName(key, known)
    if (any.typeUrl.includes('/sluice.v1.'))
      loading.error(at, 'nothing reads this key', `a target policy stands under "${METADATA_KEYS.targetPolicy}"`)
    else if (nearest !== undefined) loading.warning(at, 'nothing reads this key', `did you mean "${nearest}"?`)
  }
}
