// The HTTP connection manager as the terminal filter of a chain.

import type { TerminalNetworkFilter } from '../filter/network-filter.ts'
import { DownstreamConnection } from './connection.ts'
import type { HcmRuntime } from './runtime.ts'

export const hcmFilter = (runtime: HcmRuntime): TerminalNetworkFilter => ({
  serve({ stream, id }, onClosed) {
    const connection = new DownstreamConnection(runtime, id, stream, onClosed)
    connection.start()
    return connection
  },
})
