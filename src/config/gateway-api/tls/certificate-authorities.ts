// Certificates of authorities, from the `ca.crt` of ConfigMaps (Gateway API) or Secrets (AGC).

import { CONFIG_MAP, SECRET } from '../kinds/core.ts'
import { granted, type Referrer } from '../references.ts'
import type { Working } from '../working.ts'
import { certificatesOf } from './pem.ts'
import { refused, resolved, type Resolved } from './resolved.ts'
import { configMapEntry, secretEntry } from './secret-data.ts'

export interface AuthorityReference {
  readonly group: string
  readonly kind: string
  readonly name: string
  readonly namespace?: string | undefined
}

/** What differs between those who ask. */
export interface AuthorityRules {
  readonly kinds: readonly ('ConfigMap' | 'Secret')[]
  /** Reason for a kind that is not taken. */
  readonly wrongKind: 'InvalidCACertificateKind' | 'InvalidKind'
}

/** PEM of one authority's `ca.crt`. The reason is RefNotPermitted, `wrongKind` or InvalidCACertificateRef. */
export function authorityFrom(
  working: Working,
  from: Referrer,
  reference: AuthorityReference,
  rules: AuthorityRules,
): Resolved<Buffer> {
  const { group, kind, name } = reference
  const known = rules.kinds.find((each) => each === kind)
  if (group !== '' || known === undefined)
    return refused(rules.wrongKind, `CAs come from ${rules.kinds.join(' or ')}, not from ${group || 'core'}/${kind}`)
  const namespace = reference.namespace ?? from.namespace
  const what = `${kind} ${namespace}/${name}`
  if (!granted(working.store, from, { group, kind, namespace, name }))
    return refused('RefNotPermitted', `${what} is in another namespace and no ReferenceGrant there permits it`)
  const entry = entryOf(working, known, namespace, name)
  if (typeof entry === 'string') return refused('InvalidCACertificateRef', `${what}: ${entry}`)
  const certificates = certificatesOf(entry)
  if (typeof certificates === 'string') return refused('InvalidCACertificateRef', `${what}: ca.crt: ${certificates}`)
  return resolved(entry)
}

function entryOf(working: Working, kind: 'ConfigMap' | 'Secret', namespace: string, name: string): Buffer | string {
  if (kind === 'ConfigMap') {
    const map = working.store.get(CONFIG_MAP, namespace, name)
    return map === undefined ? 'there is no such object' : configMapEntry(map.value, 'ca.crt')
  }
  const secret = working.store.get(SECRET, namespace, name)
  return secret === undefined ? 'there is no such object' : secretEntry(secret.value, 'ca.crt')
}
