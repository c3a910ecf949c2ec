// Judges HealthCheckPolicies: the numbers that the schema leaves open, and what they target. AGC answers with the same
// reasons in the conditions.

import type { Spot } from '../../source/tree.ts'
import { SERVICE, type ServiceValue } from '../kinds/core.ts'
import {
  HEALTH_CHECK_POLICY,
  type HealthCheckPolicyConfig,
  type HealthCheckPolicyValue,
} from '../kinds/health-check-policy.ts'
import type { Resource } from '../resource.ts'
import type { Working } from '../working.ts'
import { type Fault, judgeKind, overrideFault, policyFor, sectionClaims, targetFault } from './alb-policy.ts'
import { annotationFault } from './health-annotations.ts'
import { isHost, isPath } from './request-parts.ts'

const INVALID = 'InvalidHealthCheckPolicy'

/** Conditions of all of them. */
export const judgeHealthCheckPolicies = (working: Working): void =>
  judgeKind(working, HEALTH_CHECK_POLICY, healthCheckFault, (policy) =>
    sectionClaims(policy, policy.value.spec.targetRef),
  )

/** The accepted policy for a Service's port; `trafficFrom` is the Gateway's namespace. */
export function healthCheckPolicyFor(
  working: Working,
  service: Resource<ServiceValue>,
  portName: string | undefined,
  trafficFrom: string,
): Resource<HealthCheckPolicyValue> | undefined {
  const found = policyFor(
    working,
    HEALTH_CHECK_POLICY,
    (policy) => policy.value.spec.targetRef,
    service,
    portName,
    trafficFrom,
  )
  return found === undefined || healthCheckFault(working, found) !== undefined ? undefined : found
}

function healthCheckFault(working: Working, policy: Resource<HealthCheckPolicyValue>): Fault | undefined {
  const { targetRef: target, default: config, override } = policy.value.spec
  const spec = policy.spot.field('spec')
  if (override !== undefined) return overrideFault(policy, INVALID)
  return (
    targetFault(
      working,
      policy,
      target,
      { group: '', kind: 'Service', missing: 'InvalidService' },
      spec.field('targetRef'),
    ) ??
    sectionFault(working, policy, spec.field('targetRef')) ??
    (config === undefined ? undefined : configFault(config, spec.field('default'))) ??
    annotationFault(policy, INVALID)
  )
}

function sectionFault(
  working: Working,
  { namespace, value }: Resource<HealthCheckPolicyValue>,
  spot: Spot,
): Fault | undefined {
  const { targetRef: target } = value.spec
  const service = working.store.get(SERVICE, target.namespace ?? namespace, target.name)
  const names = service?.value.spec.ports.map((port) => port.name) ?? []
  const unknown = target.sectionNames.findIndex((name) => !names.includes(name))
  if (unknown < 0) return undefined
  return {
    reason: 'InvalidPort',
    message: `Service ${target.name} has no port named "${target.sectionNames[unknown] ?? ''}"`,
    reference: true,
    spot: spot.field('sectionNames').at(unknown),
  }
}

function configFault(config: HealthCheckPolicyConfig, spot: Spot): Fault | undefined {
  const fault = (at: Spot, message: string, reason = INVALID): Fault => ({
    reason,
    message,
    reference: false,
    spot: at,
  })
  const positive = ['interval', 'timeout', 'healthyThreshold', 'unhealthyThreshold'] as const
  const bad = positive.find((field) => (config[field] ?? 1) <= 0)
  if (bad !== undefined) return fault(spot.field(bad), `${bad} must be greater than 0`)
  if (config.port !== undefined && (config.port < 1 || config.port > 65535))
    return fault(spot.field('port'), `port ${config.port} is not in 1 to 65535`, 'InvalidPort')
  if (config.http !== undefined && config.grpc !== undefined)
    return fault(spot.field('grpc'), 'http and grpc are alternatives; a probe is one of them')
  return httpFault(config, spot.field('http'), fault)
}

function httpFault(
  { http }: HealthCheckPolicyConfig,
  spot: Spot,
  fault: (at: Spot, message: string) => Fault,
): Fault | undefined {
  if (http === undefined) return undefined
  const { path, host, match } = http
  if (path !== undefined && path !== '' && !isPath(path))
    return fault(spot.field('path'), 'path must start with "/" and hold neither blanks nor control characters')
  if (host !== undefined && !isHost(host)) return fault(spot.field('host'), 'host is no host name')
  const codes = match?.statusCodes ?? []
  const wrong = codes.findIndex(({ start, end }) => !isRange(start, end))
  if (wrong < 0) return undefined
  return fault(
    spot.field('match').field('statusCodes').at(wrong),
    'a range of status codes needs start and end, within 100 to 599, the end not before the start',
  )
}

const isRange = (start: number | undefined, end: number | undefined): boolean =>
  start !== undefined && end !== undefined && start >= 100 && end <= 599 && start <= end
