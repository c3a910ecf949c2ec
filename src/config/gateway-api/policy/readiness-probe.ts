// The readinessProbe of the Pods behind a Service, where the files hold them: AGC probes as they say when no
// HealthCheckPolicy does. Kubernetes: Probe, HTTPGetAction.

import { z } from 'zod'
import type { HealthCheck } from '../../model/health-check.ts'
import { DEPLOYMENT, POD, type ServicePort, type ServiceValue } from '../kinds/core.ts'
import type { Resource } from '../resource.ts'
import type { Working } from '../working.ts'
import { policiesOf } from './alb-policy.ts'
import { isHost, isPath } from './request-parts.ts'
import { checkOf, httpProbe, type ProbedCluster } from './probe.ts'

const portReference = z.union([z.int().min(1).max(65535), z.string()])
const seconds = (fallback: number) => z.int().min(1).max(86_400).default(fallback)

const readinessProbe = z.looseObject({
  httpGet: z
    .looseObject({
      path: z.string().default('/'),
      port: portReference,
      scheme: z.enum(['HTTP', 'HTTPS']).default('HTTP'),
      host: z.string().default(''),
      httpHeaders: z.array(z.looseObject({ name: z.string(), value: z.string() })).default([]),
    })
    .optional(),
  periodSeconds: seconds(10),
  timeoutSeconds: seconds(1),
  successThreshold: seconds(1),
  failureThreshold: seconds(3),
})
type ReadinessProbe = z.infer<typeof readinessProbe>

const podSpec = z.looseObject({
  containers: z
    .array(
      z.looseObject({
        ports: z
          .array(z.looseObject({ name: z.string().optional(), containerPort: z.int().min(1).max(65535) }))
          .default([]),
        readinessProbe: readinessProbe.optional(),
      }),
    )
    .default([]),
})
type PodSpec = z.infer<typeof podSpec>

const pod = z.looseObject({ spec: podSpec })
const deployment = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }).default({ labels: {} }),
      spec: podSpec,
    }),
  }),
})

/** As kubelet judges: everything that is neither an error nor needs authentication. */
const READY = [{ first: 200, last: 399 }]

/** The check that the Pods' own probe of the served port amounts to; undefined when they have none. */
export function readinessCheck(
  working: Working,
  service: Resource<ServiceValue>,
  port: ServicePort,
  cluster: ProbedCluster,
): HealthCheck | undefined {
  const { selector = {} } = service.value.spec
  if (Object.keys(selector).length === 0) return undefined
  for (const { object, labels, spec } of podsOf(working, service.namespace)) {
    if (!Object.entries(selector).every(([key, value]) => labels[key] === value)) continue
    const served = portNumberOf(port.targetPort ?? port.port, spec)
    const probe = spec.containers
      .map((container) => container.readinessProbe)
      // A probe of another port is a sidecar's, or about something else than what is served.
      .find((each) => each?.httpGet !== undefined && portNumberOf(each.httpGet.port, spec) === served)
    const check = probe === undefined ? undefined : checkOfReadiness(probe, object, cluster)
    if (check !== undefined) return check
  }
  return undefined
}

interface PodTemplate {
  readonly object: Resource
  readonly labels: Readonly<Record<string, string>>
  readonly spec: PodSpec
}

/** Those that cannot be read say nothing: their fields are the cluster's matter. */
function* podsOf(working: Working, namespace: string): Iterable<PodTemplate> {
  for (const object of policiesOf(working, POD)) {
    const parsed = object.namespace === namespace ? pod.safeParse(object.value) : undefined
    if (parsed?.success === true) yield { object, labels: object.labels, spec: parsed.data.spec }
  }
  for (const object of policiesOf(working, DEPLOYMENT)) {
    const parsed = object.namespace === namespace ? deployment.safeParse(object.value) : undefined
    if (parsed?.success !== true) continue
    const { template } = parsed.data.spec
    yield { object, labels: template.metadata.labels, spec: template.spec }
  }
}

/** A named port is one of the containers'. */
function portNumberOf(port: number | string, spec: PodSpec): number | undefined {
  if (typeof port === 'number') return port
  const named = spec.containers.flatMap(({ ports }) => ports).find(({ name }) => name === port)
  return named?.containerPort ?? (/^\d{1,5}$/.test(port) ? Number(port) : undefined)
}

function checkOfReadiness(probe: ReadinessProbe, object: Resource, cluster: ProbedCluster): HealthCheck | undefined {
  const { httpGet } = probe
  if (httpGet === undefined || !isPath(httpGet.path)) return undefined
  const given = httpGet.httpHeaders.find(({ name }) => name.toLowerCase() === 'host')?.value ?? httpGet.host
  const times = {
    intervalMs: probe.periodSeconds * 1000,
    timeoutMs: probe.timeoutSeconds * 1000,
    healthyThreshold: probe.successThreshold,
    unhealthyThreshold: probe.failureThreshold,
  }
  // kubelet verifies no certificate; what the cluster trusts is verified all the same.
  const tls = cluster.tls ? 'cluster' : httpGet.scheme === 'HTTPS' ? 'unverified' : 'never'
  const http = httpProbe({ path: httpGet.path, host: isHost(given) ? given : '', expected: READY })
  return checkOf(http, times, undefined, tls, object.spot.place)
}
