// `/apis/v2/status/objects`: what HTTPServers and pipelines have served, with what Easegress leaves out: sessions that are
// open now, and the health of each server of a pool.

import type { ConfigObject } from '../../config/model/config-object.ts'
import type { AdminContext, ClusterStatus } from '../context.ts'
import { type Endpoint, json } from '../endpoint.ts'
import { nameBelow, versioned } from './objects.ts'
import { servedByPool, servedByServer } from './served.ts'

const PATH = '/apis/v2/status/objects'

/** By name of the object. */
export const STATUS_OBJECTS: Endpoint = {
  path: PATH,
  summary: 'what the objects of an Easegress configuration have served, live sessions included',
  mutates: false,
  parameters: [],
  below: true,
  handle({ path }, context) {
    const name = nameBelow(path, PATH)
    const objects = (context.config().objects ?? []).filter((object) => name === undefined || object.name === name)
    if (name !== undefined && objects.length === 0)
      return json({ code: 404, message: `no object is named ${name}` }, 404)
    const all = Object.fromEntries(objects.map((object) => [object.name, statusOf(object, context)]))
    return versioned(context, json(name === undefined ? all : all[name]))
  },
}

function statusOf(object: ConfigObject, context: AdminContext): unknown {
  switch (object.kind) {
    case 'HTTPServer':
      return serverStatus(object.name, context)
    case 'Pipeline':
      return { name: object.name, kind: object.kind, health: '', filters: pools(object.name, context) }
    case 'GlobalFilter':
      return {
        name: object.name,
        kind: object.kind,
        beforePipeline: { filters: pools(`${object.name}/beforePipeline`, context) },
        afterPipeline: { filters: pools(`${object.name}/afterPipeline`, context) },
      }
    default:
      return statusPart(object.value) ?? { name: object.name, kind: object.kind }
  }
}

function serverStatus(name: string, context: AdminContext): unknown {
  const { registry, server } = context
  const live = server.state() === 'LIVE'
  return {
    name,
    kind: 'HTTPServer',
    health: '',
    state: live ? 'running' : 'closed',
    error: '',
    ...servedByServer(context, name),
    activeConnections: registry.gauge(`http.${name}.downstream_cx_active`).value,
    activeRequests: registry.gauge(`http.${name}.downstream_rq_active`).value,
    activeUpgrades: registry.gauge(`http.${name}.downstream_cx_upgrades_active`).value,
    topN: [],
  }
}

/** Pools run as clusters whose names end in `#main` or `#candidate#N`, behind the pipeline and the filter. */
function pools(pipeline: string, context: AdminContext): unknown {
  const filters = new Map<string, { mainPool?: unknown; candidatePools: unknown[] }>()
  for (const cluster of context.clusters()) {
    const match = POOL.exec(cluster.name)
    const [, owner, filter, candidate] = match ?? []
    if (owner !== pipeline || filter === undefined) continue
    const of = filters.get(filter) ?? { candidatePools: [] }
    filters.set(filter, of)
    if (candidate === undefined) of.mainPool = poolStatus(cluster, context)
    else of.candidatePools[Number(candidate)] = poolStatus(cluster, context)
  }
  return Object.fromEntries(filters)
}

/** `websocketproxy#ws#main`, preceded by the pipeline's name and a slash. */
const POOL = /^(.*)\/(?:websocketproxy|proxy)#(.*)#(?:main|candidate#(\d{1,6}))$/i

function poolStatus({ observabilityName, hosts }: ClusterStatus, context: AdminContext): unknown {
  return {
    stat: servedByPool(context, observabilityName),
    activeSessions: context.registry.gauge(`cluster.${observabilityName}.upstream_rq_active`).value,
    servers: hosts.map(({ address, healthFlags, rqActive, rqTotal }) => ({
      address: address.text,
      healthy: healthFlags.length === 0,
      healthFlags,
      active: rqActive,
      total: rqTotal,
    })),
  }
}

/** A Kubernetes object has a status of its own. */
const statusPart = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'status' in value ? value.status : undefined
