// WebApplicationFirewallPolicies are refused, each by name: their rules live in Azure, and a proxy that ran without them
// would let pass what its owner believes to be stopped.

import { WEB_APPLICATION_FIREWALL_POLICY } from '../kinds/web-application-firewall-policy.ts'
import type { Working } from '../working.ts'
import { judgeKind } from './alb-policy.ts'

/** Conditions of all of them. */
export const judgeFirewallPolicies = (working: Working): void =>
  judgeKind(
    working,
    WEB_APPLICATION_FIREWALL_POLICY,
    (_, policy) => ({
      reason: 'InvalidWebApplicationFirewallPolicy',
      message: 'Sluice has no web application firewall; nothing inspects the requests of this target',
      reference: false,
      spot: policy.spot.field('spec').field('webApplicationFirewall'),
    }),
    () => [],
  )
