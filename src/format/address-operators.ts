// Operators for the four ends of an exchange: address, address without port (optionally masked to its network), port.

import type { StreamAddress } from '../transport/byte-stream.ts'
import { maskAddress } from './address-mask.ts'
import { type Evaluator, known, type Operator, type OperatorFamily, plain } from './operator.ts'
import type { StreamFacts } from './stream-facts.ts'

export const ADDRESS_OPERATORS: OperatorFamily = {
  ...end('DOWNSTREAM_REMOTE', downstreamRemote),
  ...end('DOWNSTREAM_DIRECT_REMOTE', ({ downstream }) => downstream.state?.directRemote ?? downstream.remote),
  ...end('DOWNSTREAM_LOCAL', (facts) => facts.downstream.local),
  ...end('DOWNSTREAM_DIRECT_LOCAL', ({ downstream }) => downstream.state?.directLocal ?? downstream.local),
  ...end('UPSTREAM_REMOTE', (facts) => facts.upstream?.remote),
  ...end('UPSTREAM_LOCAL', (facts) => facts.upstream?.local),
}

type End = (facts: StreamFacts) => StreamAddress | undefined

/** The operators of one end. */
function end(name: string, read: End): OperatorFamily {
  return {
    [`${name}_ADDRESS`]: plain((facts) => known(read(facts)?.text)),
    [`${name}_ADDRESS_WITHOUT_PORT`]: withoutPort(read),
    [`${name}_PORT`]: plain((facts) => read(facts)?.port || undefined),
  }
}

/** The argument, when given, is a prefix length and the result CIDR text. */
function withoutPort(read: End): Operator {
  return (argument): Evaluator => {
    if (argument === '') return (facts) => known(read(facts)?.ip)
    const prefixLength = /^\d{1,3}$/.test(argument) ? Number(argument) : 999
    return (facts) => {
      const address = read(facts)
      return address === undefined ? undefined : maskAddress(address.ip, prefixLength)
    }
  }
}

/** The client after X-Forwarded-For; the very address of the connection (or its PROXY header) when nothing replaced it. */
function downstreamRemote(facts: StreamFacts): StreamAddress {
  const { downstreamRemoteIp: ip, downstreamRemotePort: port } = facts
  const direct = facts.downstream.remote
  if (ip === '' || (ip === direct.ip && port === direct.port)) return direct
  return { ip, port, text: ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}` }
}
