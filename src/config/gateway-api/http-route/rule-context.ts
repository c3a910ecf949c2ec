// What the lowering of a rule needs to know of its surroundings.

import type { Conditions } from '../condition.ts'
import type { RoutePolicySettings } from '../policy/route-policy.ts'
import type { Resource } from '../resource.ts'
import type { ListenerState, Working } from '../working.ts'

export interface RuleContext {
  readonly working: Working
  readonly listener: ListenerState
  readonly route: Resource
  /** Conditions of the route's parents on this listener. */
  readonly parents: readonly Conditions[]
  readonly policy: RoutePolicySettings
  readonly protocol: 'http' | 'grpc'
}
