// Kinds of policies, for kinds/registry.ts.

import { ALB_BACKEND_TLS_POLICY } from '../kinds/alb-backend-tls-policy.ts'
import { BACKEND_LOAD_BALANCING_POLICY } from '../kinds/backend-load-balancing-policy.ts'
import { BACKEND_TLS_POLICY } from '../kinds/backend-tls-policy.ts'
import { FRONTEND_TLS_POLICY } from '../kinds/frontend-tls-policy.ts'
import { HEALTH_CHECK_POLICY } from '../kinds/health-check-policy.ts'
import type { Kind } from '../kinds/kind.ts'
import { ROUTE_POLICY } from '../kinds/route-policy.ts'
import { WEB_APPLICATION_FIREWALL_POLICY } from '../kinds/web-application-firewall-policy.ts'

export const POLICY_KINDS: readonly Kind[] = [
  HEALTH_CHECK_POLICY,
  ROUTE_POLICY,
  FRONTEND_TLS_POLICY,
  ALB_BACKEND_TLS_POLICY,
  BACKEND_TLS_POLICY,
  BACKEND_LOAD_BALANCING_POLICY,
  WEB_APPLICATION_FIREWALL_POLICY,
]
