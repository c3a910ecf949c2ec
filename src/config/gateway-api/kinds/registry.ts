// Every kind that is read. One that is not here is refused by name when it belongs to a group of ours, else ignored.

import { L4_KINDS } from '../l4/kinds.ts'
import { POLICY_KINDS } from '../policy/kinds.ts'
import { CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, NAMESPACE, POD, SECRET, SERVICE } from './core.ts'
import { GATEWAY_CLASS } from './gateway-class.ts'
import { GATEWAY } from './gateway.ts'
import { GRPC_ROUTE } from './grpc-route.ts'
import { HTTP_ROUTE } from './http-route.ts'
import type { Kind } from './kind.ts'
import { REFERENCE_GRANT } from './reference-grant.ts'

export const KINDS: readonly Kind[] = [
  GATEWAY_CLASS,
  GATEWAY,
  HTTP_ROUTE,
  GRPC_ROUTE,
  REFERENCE_GRANT,
  SERVICE,
  ENDPOINT_SLICE,
  NAMESPACE,
  SECRET,
  CONFIG_MAP,
  POD,
  DEPLOYMENT,
  ...L4_KINDS,
  ...POLICY_KINDS,
]

/** Groups whose kinds configure this proxy: an unknown kind of theirs is refused. */
export const OWN_GROUPS: readonly string[] = ['gateway.networking.k8s.io', 'alb.networking.azure.io']
