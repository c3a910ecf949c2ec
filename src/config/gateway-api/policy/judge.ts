// Conditions of all policies: what they target, and which of several wins.

import { judgeBackendClientCertificate } from '../tls/backend-client-certificate.ts'
import type { GatewayState, Working } from '../working.ts'
import { judgeAlbBackendTlsPolicies } from './alb-backend-tls-policy.ts'
import { judgeBackendLoadBalancingPolicies } from './backend-load-balancing-policy.ts'
import { judgeBackendTlsPolicies } from './backend-tls-policy.ts'
import { judgeFrontendTlsPolicies } from './frontend-tls-policy.ts'
import { judgeHealthCheckPolicies } from './health-check-policy.ts'
import { judgeRoutePolicies } from './route-policy.ts'
import { judgeFirewallPolicies } from './web-application-firewall-policy.ts'

/** Once, when routes have attached and before anything is lowered. */
export function judgePolicies(working: Working, gateways: readonly GatewayState[]): void {
  judgeHealthCheckPolicies(working)
  judgeRoutePolicies(working)
  judgeFrontendTlsPolicies(working)
  judgeAlbBackendTlsPolicies(working)
  judgeBackendLoadBalancingPolicies(working)
  judgeFirewallPolicies(working)
  judgeBackendTlsPolicies(working, gateways)
  for (const gateway of gateways) judgeBackendClientCertificate(working, gateway)
}
