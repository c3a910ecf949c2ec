// TLSRoute and TCPRoute, for kinds/registry.ts.

import type { Kind } from '../kinds/kind.ts'
import { TCP_ROUTE } from '../kinds/tcp-route.ts'
import { TLS_ROUTE } from '../kinds/tls-route.ts'

export const L4_KINDS: readonly Kind[] = [TLS_ROUTE, TCP_ROUTE]
