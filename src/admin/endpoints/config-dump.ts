// `/config_dump`: the configuration in force, in the parts that Envoy's tools ask for. Envoy: admin.v3.ConfigDump.

import { parseNameFilter } from '../../observe/metrics/selection.ts'
import type { AdminContext } from '../context.ts'
import { type AdminResponse, type Endpoint, json, refused, text } from '../endpoint.ts'
import { applyMask, child, isTree, list, type Tree } from '../field-mask.ts'
import { redact } from '../redact.ts'

export const CONFIG_DUMP: Endpoint = {
  path: '/config_dump',
  summary: 'the configuration in force, without secrets',
  mutates: false,
  parameters: [
    { name: 'resource', summary: 'only the entries of one list, such as static_clusters or static_listeners' },
    { name: 'mask', summary: 'comma list of fields to keep, such as static_clusters.cluster.name' },
    { name: 'name_regex', summary: 'only entries whose whole name matches (RE2)' },
  ],
  handle({ query }, context) {
    const names = parseNameFilter(anchored(query.get('name_regex')))
    if (names.kind === 'refused') return refused(names.reason)
    const parts = partsOf(context).map((part) => withNames(part, names.filter))
    const mask = query.get('mask')
    const resource = query.get('resource')
    if (resource !== null) return resourceAnswer(parts, resource, mask)
    return json({ configs: parts.map((part) => (mask === null ? part : applyMask(part, mask))) })
  },
}

const TYPE = 'type.googleapis.com/envoy.admin.v3.'
const CONFIG_TYPE = 'type.googleapis.com/envoy.config.'

const anchored = (source: string | null): string => (source === null || source === '' ? '' : `^(?:${source})$`)

/** The dumps in Envoy's order. */
function partsOf(context: AdminContext): Tree[] {
  const dump = redact(context.config().dump)
  const bootstrap: Tree = isTree(dump) ? dump : {}
  const resources = child(bootstrap, 'static_resources')
  const updated = { last_updated: new Date(context.configLoadedWallMs()).toISOString() }
  const entries = (name: string, field: string, type: string): Tree[] =>
    list(resources, name).map((item) => ({ [field]: { '@type': CONFIG_TYPE + type, ...item }, ...updated }))
  const secrets = list(resources, 'secrets').map((item) => ({
    name: item['name'],
    ...updated,
    secret: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret', ...item },
  }))
  return [
    { '@type': `${TYPE}BootstrapConfigDump`, bootstrap, ...updated },
    { '@type': `${TYPE}ClustersConfigDump`, static_clusters: entries('clusters', 'cluster', 'cluster.v3.Cluster') },
    {
      '@type': `${TYPE}ListenersConfigDump`,
      static_listeners: entries('listeners', 'listener', 'listener.v3.Listener'),
    },
    {
      '@type': `${TYPE}RoutesConfigDump`,
      static_route_configs: routeConfigs(resources).map((route) => ({
        route_config: { '@type': `${CONFIG_TYPE}route.v3.RouteConfiguration`, ...route },
        ...updated,
      })),
    },
    { '@type': `${TYPE}SecretsConfigDump`, static_secrets: secrets },
  ]
}

/** Route tables written into connection managers, wherever in a listener they are. */
function routeConfigs(tree: unknown): Tree[] {
  if (Array.isArray(tree)) return tree.flatMap((item: unknown) => routeConfigs(item))
  if (!isTree(tree)) return []
  return Object.entries(tree).flatMap(([key, value]) =>
    (key === 'route_config' || key === 'routeConfig') && isTree(value) ? [value] : routeConfigs(value),
  )
}

/** Leaves out entries whose name the filter does not let pass; the bootstrap has none and stays. */
function withNames(part: Tree, filter: ((name: string) => boolean) | undefined): Tree {
  if (filter === undefined) return part
  const kept = Object.entries(part).map(([key, value]) => [
    key,
    Array.isArray(value) ? value.filter((entry: unknown) => filter(nameOf(entry))) : value,
  ])
  return Object.fromEntries(kept)
}

function nameOf(entry: unknown): string {
  if (!isTree(entry)) return ''
  if (typeof entry['name'] === 'string') return entry['name']
  for (const value of Object.values(entry)) {
    if (isTree(value) && typeof value['name'] === 'string') return value['name']
  }
  return ''
}

function resourceAnswer(parts: readonly Tree[], resource: string, mask: string | null): AdminResponse {
  for (const part of parts) {
    const found = part[resource]
    if (found === undefined || resource === '@type' || resource === 'last_updated') continue
    const entries: unknown[] = Array.isArray(found) ? found : [found]
    return json({
      configs: mask === null ? entries : entries.map((entry) => (isTree(entry) ? applyMask(entry, mask) : entry)),
    })
  }
  return text(`${resource} not found in config dump\n`, 404)
}
