// Conditions of network RBAC rules made into functions of a connection. Envoy: config.rbac.v3.Permission and Principal.

import type { RbacCondition } from '../../../config/model/network-rbac.ts'
import { certificateOf } from '../../../format/certificate-facts.ts'
import { compileStringMatch, type StringTest } from '../../../route/string-test.ts'
import { inAddressRange } from '../../../transport/ip-range.ts'
import type { StreamInfo } from '../../../transport/byte-stream.ts'

/** What rules look at. */
export interface RbacSubject {
  readonly info: StreamInfo
  /** SNI, of the TLS session or as an inspector saw it; '' when none. */
  readonly serverName: string
}

export type RbacTest = (subject: RbacSubject) => boolean

/** The test of a condition. */
export function compileCondition(condition: RbacCondition): RbacTest {
  switch (condition.kind) {
    case 'any':
      return () => true
    case 'all-of': {
      const tests = condition.conditions.map(compileCondition)
      return (subject) => tests.every((test) => test(subject))
    }
    case 'any-of':
      return anyOf(condition.conditions)
    case 'not': {
      const test = compileCondition(condition.condition)
      return (subject) => !test(subject)
    }
    case 'destination-ip':
      return ({ info }) => inAddressRange(condition.range, info.local.ip)
    case 'direct-remote-ip':
      return ({ info }) => inAddressRange(condition.range, (info.state?.directRemote ?? info.remote).ip)
    case 'remote-ip':
      return ({ info }) => inAddressRange(condition.range, info.remote.ip)
    case 'destination-port':
      return ({ info }) => info.local.port >= condition.from && info.local.port < condition.to
    case 'server-name': {
      const test = compileStringMatch(condition.match)
      return ({ serverName }) => test(serverName)
    }
    case 'authenticated':
      return authenticated(condition.match === undefined ? undefined : compileStringMatch(condition.match))
  }
}

/** True when one of `conditions` is met. */
export function anyOf(conditions: readonly RbacCondition[]): RbacTest {
  const tests = conditions.map(compileCondition)
  return (subject) => tests.some((test) => test(subject))
}

/**
 * A URI name of the client's certificate, else a DNS name, else its subject, in Envoy's order. Deviation: the certificate
 * must have been verified; Envoy looks also at the names of one that nobody vouches for.
 */
function authenticated(test: StringTest | undefined): RbacTest {
  return ({ info: { tls } }) => {
    if (tls?.peerVerified !== true) return false
    if (test === undefined) return true
    const certificate = certificateOf(tls, 'peer')
    if (certificate === undefined) return false
    const names = certificate.subjectAltNames.filter(({ kind }) => kind === 'uri' || kind === 'dns')
    return names.some(({ value }) => test(value)) || test(certificate.subject)
  }
}
