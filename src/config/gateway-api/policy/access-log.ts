// The access log of a Gateway's class: none. AGC's is a setting of Azure outside the manifests, as `--diagnostic-log` is here.

import type { AccessLogConfig } from '../../model/access-log.ts'
import type { GatewayState, Working } from '../working.ts'

/** For every connection manager of the Gateway's ports. */
export function accessLogsFor(_working: Working, _gateway: GatewayState): readonly AccessLogConfig[] {
  return []
}
