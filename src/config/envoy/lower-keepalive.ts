// TCP keepalive. Envoy: config.core.v3.TcpKeepalive; only the idle time can be set from Node.

import type { TcpKeepalive } from './messages.ts'

/** Linux' own idle time before the first probe, used when keepalive is on without a time. */
const SYSTEM_TIME_S = 7200

/** undefined when keepalive is off. */
export const lowerKeepaliveTime = (message: TcpKeepalive | undefined): { readonly timeMs: number } | undefined =>
  message === undefined ? undefined : { timeMs: (message.keepaliveTime ?? SYSTEM_TIME_S) * 1000 }
