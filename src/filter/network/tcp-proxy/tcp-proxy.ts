// The TCP proxy as the terminal filter of a chain.

import type { TerminalNetworkFilter } from '../../network-filter.ts'
import type { TcpProxyRuntime } from './runtime.ts'
import { TcpSession } from './session.ts'

export const tcpProxyFilter = (runtime: TcpProxyRuntime): TerminalNetworkFilter => ({
  serve(arrival, onClosed) {
    const session = new TcpSession(runtime, arrival, onClosed)
    session.start()
    return session
  },
})
