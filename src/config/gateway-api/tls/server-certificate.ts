// A certificate chain with its key from a Secret of type kubernetes.io/tls, for listeners and for client certificates.
// Gateway API: SecretObjectReference, ReferenceGrant.

import type { TlsCertificate } from '../../model/tls.ts'
import type { Spot } from '../../source/tree.ts'
import { SECRET } from '../kinds/core.ts'
import type { SecretReference } from '../kinds/alb-target.ts'
import { granted, type Referrer } from '../references.ts'
import type { Working } from '../working.ts'
import { certificatesOf, privateKeyOf } from './pem.ts'
import { refused, resolved, type Resolved } from './resolved.ts'
import { secretEntry } from './secret-data.ts'

/** `spot` is the reference. The reason is RefNotPermitted or InvalidCertificateRef. */
export function certificateFrom(
  working: Working,
  from: Referrer,
  reference: SecretReference,
  spot: Spot,
): Resolved<TlsCertificate> {
  const { group, kind, name } = reference
  if (group !== '' || kind !== 'Secret')
    return refused('InvalidCertificateRef', `certificates come from Secrets, not from ${group || 'core'}/${kind}`)
  const namespace = reference.namespace ?? from.namespace
  const what = `Secret ${namespace}/${name}`
  // Asked first, so that nobody learns what exists where they may not look.
  if (!granted(working.store, from, { group, kind, namespace, name }))
    return refused('RefNotPermitted', `${what} is in another namespace and no ReferenceGrant there permits it`)
  const secret = working.store.get(SECRET, namespace, name)
  if (secret === undefined) return refused('InvalidCertificateRef', `there is no ${what}`)
  const { type } = secret.value
  if (type !== 'kubernetes.io/tls' && type !== 'Opaque')
    return refused('InvalidCertificateRef', `${what} is of type ${type}, not kubernetes.io/tls`)
  const chain = secretEntry(secret.value, 'tls.crt')
  const key = secretEntry(secret.value, 'tls.key')
  if (typeof chain === 'string') return refused('InvalidCertificateRef', `${what}: ${chain}`)
  if (typeof key === 'string') return refused('InvalidCertificateRef', `${what}: ${key}`)
  const problem = pairProblem(chain, key)
  if (problem !== undefined) return refused('InvalidCertificateRef', `${what}: ${problem}`)
  warnOfDates(working, chain, spot)
  return resolved({
    certificateChain: chain,
    privateKey: key,
    password: undefined,
    origin: what,
    place: spot.place,
  })
}

function pairProblem(chain: Buffer, key: Buffer): string | undefined {
  const certificates = certificatesOf(chain)
  if (typeof certificates === 'string') return `tls.crt: ${certificates}`
  const privateKey = privateKeyOf(key)
  if (typeof privateKey === 'string') return `tls.key: ${privateKey}`
  const [leaf] = certificates
  return leaf?.checkPrivateKey(privateKey) === true
    ? undefined
    : 'tls.key does not belong to the first certificate of tls.crt'
}

function warnOfDates(working: Working, chain: Buffer, spot: Spot): void {
  const certificates = certificatesOf(chain)
  const leaf = typeof certificates === 'string' ? undefined : certificates[0]
  if (leaf === undefined) return
  const now = working.options.now ?? Date.now()
  const subject = leaf.subject.replaceAll('\n', ', ')
  if (Date.parse(leaf.validTo) < now) working.warning(spot, `the certificate "${subject}" expired on ${leaf.validTo}`)
  else if (Date.parse(leaf.validFrom) > now)
    working.warning(spot, `the certificate "${subject}" is not valid before ${leaf.validFrom}`)
}
