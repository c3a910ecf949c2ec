// The objects of a configuration, told apart by `kind`, before their fields are read.

import { nearestName } from '../model/nearest-name.ts'
import { readDocuments, type SourceText } from '../source/read-file.ts'
import { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'

export const KINDS = ['HTTPServer', 'Pipeline', 'GlobalFilter'] as const

export type ObjectKind = (typeof KINDS)[number]

/** Objects that the vendor has and Sluice has not. */
const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ...`AIGatewayController AutoCertManager ConsulServiceRegistry EaseMonitorMetrics EtcdServiceRegistry
    EurekaServiceRegistry FaaSController Function GatewayController GRPCServer IngressController MeshController
    MQTTProxy NacosServiceRegistry RawConfigTrafficController ServiceRegistry StatusSyncController TrafficController
    WAFController ZookeeperServiceRegistry`
    .split(/\s+/)
    .map((kind) => [kind, ''] as const),
  ['WebSocketServer', 'it is gone since Easegress 2: write an HTTPServer and a Pipeline with a WebSocketProxy'],
])

/** One object whose fields are still to be read. */
export interface ObjectSource {
  readonly kind: ObjectKind
  readonly name: string
  readonly spot: Spot
}

/** All objects of all texts, in order; what cannot be taken is reported. */
export function readObjects(loading: Loading, sources: readonly SourceText[]): readonly ObjectSource[] {
  const named = new Map<string, ObjectSource>()
  for (const document of sources.flatMap(readDocuments)) {
    if (document.kind === 'refused') {
      for (const { place, message } of document.problems) loading.errorAt({ ...place, path: '' }, message)
      continue
    }
    const { root } = document
    for (const node of root.kind === 'list' ? root.items : [root]) {
      const object = readHead(loading, new Spot(node, '', node.place))
      if (object === undefined) continue
      const other = named.get(object.name)
      if (other === undefined) named.set(object.name, object)
      else {
        const { file, line } = other.spot.place
        loading.error(
          object.spot.field('name'),
          `a second object is named "${object.name}"; the first is at ${file}:${line}`,
        )
      }
    }
  }
  return [...named.values()]
}

function readHead(loading: Loading, spot: Spot): ObjectSource | undefined {
  if (spot.node?.kind !== 'map') {
    loading.error(spot, 'expected an object with kind and name')
    return undefined
  }
  const kind = wordAt(spot.field('kind'))
  const name = wordAt(spot.field('name'))
  if (kind === '') loading.error(spot, 'needs kind', `known: ${KINDS.join(', ')}`)
  if (name === '') loading.error(spot, 'needs name')
  const known = KINDS.find((each) => each === kind)
  if (known === undefined && kind !== '') refuseKind(loading, kind, spot.field('kind'))
  return known === undefined || name === '' ? undefined : { kind: known, name, spot }
}

const wordAt = ({ node }: Spot): string => (node?.kind === 'scalar' ? node.text : '')

function refuseKind(loading: Loading, kind: string, spot: Spot): void {
  const instead = UNSUPPORTED.get(kind)
  if (instead !== undefined) {
    loading.error(spot, `${kind} is known to Easegress but not supported by Sluice`, instead || undefined)
    return
  }
  const nearest = nearestName(kind, KINDS)
  const hint = nearest === undefined ? `known: ${KINDS.join(', ')}` : `did you mean ${nearest}?`
  loading.error(spot, `there is no object of kind "${kind}"`, hint)
}
