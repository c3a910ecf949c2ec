// Asks a gate about a connection in memory.

import type { TlsInfo } from '../../src/transport/byte-stream.ts'
import { nextConnectionId } from '../../src/core/ids.ts'
import type { Admission, ConnectionGateFilter, ConnectionPass } from '../../src/filter/network-filter.ts'
import { tcpAddress } from '../../src/transport/address.ts'
import type { ConnectionState } from '../../src/transport/connection-state.ts'
import { memoryPair } from '../../src/transport/memory.ts'
import type { ReplayableStream } from '../../src/transport/replay.ts'

export interface GateVisitor {
  readonly remote?: string
  readonly local?: string
  readonly localPort?: number
  readonly serverName?: string
  readonly tls?: TlsInfo
  readonly state?: ConnectionState
}

export interface Asked {
  readonly admission: Admission
  readonly pass: ConnectionPass | undefined
  readonly stream: ReplayableStream
}

export function askGate(gate: ConnectionGateFilter, visitor: GateVisitor = {}): Asked {
  const { remote = '192.0.2.1', local = '127.0.0.1', localPort = 443, serverName = '', tls, state } = visitor
  const { accepted: stream } = memoryPair({
    downstream: tcpAddress(remote, 40_000),
    upstream: tcpAddress(local, localPort),
    ...(tls === undefined ? {} : { tls }),
  })
  if (state !== undefined) stream.amend({ state })
  const answers: Admission[] = []
  const arrival = { stream, id: nextConnectionId(), listenerName: 'l', filterChainName: '', serverName }
  const pass = gate.admit(arrival, (answer) => answers.push(answer))
  const [admission] = answers
  if (admission === undefined || answers.length > 1) throw new Error(`the gate answered ${answers.length} times`)
  return { admission, pass, stream }
}

/** `admitted`, or code and delay of the refusal. */
export const admissionText = ({ admission }: Asked): string =>
  admission.kind === 'admitted' ? 'admitted' : `${admission.cause.code} after ${admission.delayMs}`
