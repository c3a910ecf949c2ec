// What policies say of a Service's port: health checks, balancing, breakers.

import type { Cluster } from '../../model/cluster.ts'
import type { HealthCheck } from '../../model/health-check.ts'
import { ALB_BACKEND_TLS_POLICY } from '../kinds/alb-backend-tls-policy.ts'
import type { AlbTargetRef } from '../kinds/alb-target.ts'
import { BACKEND_LOAD_BALANCING_POLICY } from '../kinds/backend-load-balancing-policy.ts'
import { HEALTH_CHECK_POLICY } from '../kinds/health-check-policy.ts'
import type { Resource } from '../resource.ts'
import type { BackendPort } from '../backends/backend-port.ts'
import type { Working } from '../working.ts'
import { policiesOf, targets } from './alb-policy.ts'
import { balancingFor } from './backend-load-balancing-policy.ts'
import { annotatedCheck, annotatedProbe, annotationFault, HEALTH_ANNOTATION } from './health-annotations.ts'
import { healthCheckPolicyFor } from './health-check-policy.ts'
import { warnOfPlainProbe } from './health-lint.ts'
import { checkOfConfig, defaultCheck, type ProbedCluster } from './probe.ts'
import { readinessCheck } from './readiness-probe.ts'

export type ServicePolicy = Partial<Pick<Cluster, 'healthChecks' | 'balancing' | 'circuitBreakers' | 'spread'>>

/** Called once per cluster. `protocol` is what the cluster is spoken to in; `tls` whether in TLS. */
export function servicePolicyFor(working: Working, backend: BackendPort, cluster: ProbedCluster): ServicePolicy {
  const check = healthCheckFor(working, backend, cluster)
  if (check !== undefined) warnOfPlainProbe(working, backend, check)
  return {
    ...(check === undefined ? {} : { healthChecks: [check] }),
    ...balancingFor(working, backend),
  }
}

/** Whether policies speak of the Service that hold for the traffic of its Gateway's namespace alone. */
export function hasPoliciesOfTraffic(working: Working, { service, gateway }: BackendPort): boolean {
  const { namespace } = gateway.resource
  if (namespace === service.namespace) return false
  const mine = (policy: Resource, ...refs: readonly AlbTargetRef[]): boolean =>
    policy.namespace === namespace && refs.some((target) => targets(policy, target, service, namespace))
  return (
    policiesOf(working, HEALTH_CHECK_POLICY).some((each) => mine(each, each.value.spec.targetRef)) ||
    policiesOf(working, ALB_BACKEND_TLS_POLICY).some((each) => mine(each, each.value.spec.targetRef)) ||
    policiesOf(working, BACKEND_LOAD_BALANCING_POLICY).some((each) =>
      mine(each, ...each.value.spec.targetRefs.map(({ targetRef }) => targetRef)),
    )
  )
}

/**
 * A HealthCheckPolicy; else the annotations of the Service; else, for Gateways of AGC's class only, the Pods' readinessProbe,
 * and AGC's default probe. Other classes probe only what somebody asked to be probed.
 */
function healthCheckFor(working: Working, backend: BackendPort, cluster: ProbedCluster): HealthCheck | undefined {
  const { service, port, gateway } = backend
  const policy = healthCheckPolicyFor(working, service, port.name, gateway.resource.namespace)
  if (policy !== undefined) {
    if (policy.annotations[HEALTH_ANNOTATION] === 'none') return undefined
    const config = policy.value.spec.default ?? {}
    return checkOfConfig(config, service.value, port, cluster, policy.spot.place, annotatedProbe(policy))
  }
  const fault = annotationFault(service, '')
  if (fault !== undefined) working.error(fault.spot, fault.message)
  const annotated = fault === undefined ? annotatedCheck(service) : undefined
  if (annotated !== undefined) return annotated.kind === 'none' ? undefined : annotated.check
  if (gateway.flavour !== 'agc') return undefined
  return readinessCheck(working, service, port, cluster) ?? defaultCheck(cluster, service.spot.place)
}
