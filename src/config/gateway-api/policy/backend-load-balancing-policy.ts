// BackendLoadBalancingPolicies, judged and lowered: the strategy, slow start and limits of a Service's ports.

import type { Balancing, SlowStart } from '../../model/balancing.ts'
import type { CircuitBreakers, Cluster } from '../../model/cluster.ts'
import {
  BACKEND_LOAD_BALANCING_POLICY,
  type BackendLoadBalancingPolicyValue,
} from '../kinds/backend-load-balancing-policy.ts'
import type { Resource } from '../resource.ts'
import type { BackendPort } from '../backends/backend-port.ts'
import type { Working } from '../working.ts'
import { type Fault, judgeKind, policiesOf, targetFault, targets } from './alb-policy.ts'

const INVALID = 'InvalidBackendLoadBalancingPolicy'
const RULE = { group: '', kind: 'Service', missing: 'InvalidService' }

type Policy = Resource<BackendLoadBalancingPolicyValue>

/** Conditions of all of them. */
export const judgeBackendLoadBalancingPolicies = (working: Working): void =>
  judgeKind(working, BACKEND_LOAD_BALANCING_POLICY, balancingFault, (policy) =>
    policy.value.spec.targetRefs.flatMap(({ targetRef, ports }) => {
      const service = `${targetRef.namespace ?? policy.namespace}/${targetRef.name}`
      return ports.length === 0 ? [service] : ports.map(({ port }) => `${service}:${port ?? ''}`)
    }),
  )

/** What the oldest accepted policy for the port says; one that names the port wins over one for all. */
export function balancingFor(
  working: Working,
  backend: BackendPort,
): Partial<Pick<Cluster, 'balancing' | 'circuitBreakers'>> {
  const policy = policyOf(working, backend)
  if (policy === undefined || balancingFault(working, policy) !== undefined) return {}
  const { loadBalancing, circuitBreaker } = policy.value.spec
  const place = policy.spot.field('spec').field('circuitBreaker').place
  const limits: CircuitBreakers | undefined = circuitBreaker === undefined ? undefined : { ...circuitBreaker, place }
  return {
    ...(loadBalancing === undefined ? {} : { balancing: lowerBalancing(loadBalancing) }),
    ...(limits === undefined ? {} : { circuitBreakers: { default: limits, high: limits } }),
  }
}

function policyOf(working: Working, { service, port, gateway }: BackendPort): Policy | undefined {
  const trafficFrom = gateway.resource.namespace
  const names = (policy: Policy, wholeService: boolean): boolean =>
    policy.value.spec.targetRefs.some(
      ({ targetRef, ports }) =>
        targets(policy, targetRef, service, trafficFrom) &&
        (wholeService ? ports.length === 0 : ports.some((each) => each.port === port.port)),
    )
  const all = policiesOf(working, BACKEND_LOAD_BALANCING_POLICY)
  return all.find((policy) => names(policy, false)) ?? all.find((policy) => names(policy, true))
}

function balancingFault(working: Working, policy: Policy): Fault | undefined {
  const { targetRefs, loadBalancing } = policy.value.spec
  const spec = policy.spot.field('spec')
  const fault = (field: string, message: string, reason = INVALID): Fault => ({
    reason,
    message,
    reference: false,
    spot: spec.field(field),
  })
  if (targetRefs.length === 0) return fault('targetRefs', 'it names no target', 'NoTargetReference')
  for (const [index, { targetRef }] of targetRefs.entries()) {
    const at = spec.field('targetRefs').at(index).field('targetRef')
    if (targetRef.sectionNames.length > 0)
      return { reason: INVALID, message: 'ports are named by ports', reference: false, spot: at.field('sectionNames') }
    const wrong = targetFault(working, policy, targetRef, RULE, at)
    if (wrong !== undefined) return wrong
  }
  const { strategy, slowStart } = loadBalancing ?? {}
  if (strategy === 'load-aware')
    return fault('loadBalancing', 'the strategy load-aware (ORCA reports) is known but not supported by Sluice')
  if (slowStart === undefined) return undefined
  if (strategy === 'ring-hash') return fault('loadBalancing', 'slowStart does not go with ring-hash')
  if (slowStart.window <= 0) return fault('loadBalancing', 'slowStart.window must be greater than 0')
  return Number(slowStart.aggression) > 0
    ? undefined
    : fault('loadBalancing', 'slowStart.aggression must be greater than 0')
}

function lowerBalancing({
  strategy,
  slowStart,
}: NonNullable<BackendLoadBalancingPolicyValue['spec']['loadBalancing']>): Balancing {
  const slow: { readonly slowStart?: SlowStart } =
    slowStart === undefined
      ? {}
      : {
          slowStart: {
            windowMs: slowStart.window,
            aggression: Number(slowStart.aggression),
            minimumWeight: slowStart.startWeightPercent / 100,
          },
        }
  switch (strategy) {
    case 'least-request':
      return { kind: 'least-request', choices: 2, activeRequestBias: 1, ...slow }
    case 'ring-hash':
      return { kind: 'ring-hash', minimumRingSize: 1024, maximumRingSize: 8 * 1024 * 1024, hash: 'xxhash' }
    case 'round-robin':
    case 'load-aware':
      return { kind: 'round-robin', ...slow }
  }
}
