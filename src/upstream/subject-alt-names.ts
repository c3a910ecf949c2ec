// Judges the names of a peer's certificate as match_typed_subject_alt_names asks (RFC 5280 §4.2.1.6, RFC 6125 §6.4.3).

import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { TlsValidation } from '../config/model/tls.ts'
import { readCertificate } from '../format/certificate-facts.ts'
import { compileStringMatch } from '../route/string-test.ts'

/** A sentence why the certificate is refused, or undefined. */
export type SubjectJudge = (certificate: X509Certificate) => string | undefined

/** A judge that wants one name to match one matcher; undefined when any name will do. */
export function subjectJudge(validation: TlsValidation | undefined): SubjectJudge | undefined {
  const wanted = validation?.subjectAltNames ?? []
  if (wanted.length === 0) return undefined
  const tests = wanted.map(({ type, match }) => ({ type, match, test: compileStringMatch(match) }))
  return (certificate) => {
    for (const name of readCertificate(certificate.raw)?.subjectAltNames ?? []) {
      for (const { type, match, test } of tests) {
        if (type !== 'any' && type !== name.kind) continue
        if (test(name.value)) return undefined
        // A wildcard certificate names every host one label down, as Envoy accepts for exact DNS matchers.
        if (name.kind === 'dns' && match.kind === 'exact' && wildcardCovers(name.value, match.value)) return undefined
      }
    }
    return 'no subject alternative name of the certificate matches match_typed_subject_alt_names'
  }
}

/** A judge that wants the certificate to be for `host`, as auto_san_validation does. */
export function hostJudge(host: string): SubjectJudge {
  return (certificate) => {
    const found = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)
    return found === undefined ? `the certificate is not for ${host}` : undefined
  }
}

function wildcardCovers(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return false
  const dot = host.indexOf('.')
  return dot > 0 && host.slice(dot).toLowerCase() === pattern.slice(1).toLowerCase()
}
