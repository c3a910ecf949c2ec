// Secrets by name: static_resources.secrets and the references to them. Envoy: Secret, SdsSecretConfig.

import type { Spot } from '../source/tree.ts'
import { nearestName } from '../model/nearest-name.ts'
import type { Loading } from './loading.ts'
import type {
  CertificateValidationContext,
  SdsSecretConfig,
  Secret,
  TlsCertificate,
  TlsSessionTicketKeys,
} from './messages.ts'

/** Makes the secrets findable; a name may stand once. */
export function registerSecrets(loading: Loading, secrets: readonly Secret[], spot: Spot): void {
  for (const [index, secret] of secrets.entries()) {
    const at = spot.at(index)
    if (secret.name === '') loading.error(at, 'needs a name, by which contexts refer to it')
    if (loading.secrets.has(secret.name)) loading.error(at.field('name'), `Duplicate static secret name ${secret.name}`)
    loading.secrets.set(secret.name, { secret, spot: at })
  }
}

interface SecretValues {
  readonly tlsCertificate: TlsCertificate
  readonly validationContext: CertificateValidationContext
  readonly sessionTicketKeys: TlsSessionTicketKeys
}

/** How each kind is taken out of a secret. */
const PICK: { readonly [Kind in keyof SecretValues]: (type: Secret['type']) => SecretValues[Kind] | undefined } = {
  tlsCertificate: (type) => (type.case === 'tlsCertificate' ? type.value : undefined),
  validationContext: (type) => (type.case === 'validationContext' ? type.value : undefined),
  sessionTicketKeys: (type) => (type.case === 'sessionTicketKeys' ? type.value : undefined),
}

const NOUNS: { readonly [kind in keyof SecretValues]: string } = {
  tlsCertificate: 'tls_certificate',
  validationContext: 'validation_context',
  sessionTicketKeys: 'session_ticket_keys',
}

/** The secret of that name and kind, with its own spot; a missing one is reported at the reference. */
export function findSecret<Kind extends keyof SecretValues>(
  loading: Loading,
  reference: SdsSecretConfig,
  spot: Spot,
  wanted: Kind,
): { readonly value: SecretValues[Kind]; readonly spot: Spot } | undefined {
  // A dynamic source is refused by the table of supported fields.
  if (reference.sdsConfig !== undefined) return undefined
  const found = loading.secrets.get(reference.name)
  if (found === undefined) {
    const nearest = nearestName(reference.name, loading.secrets.keys())
    loading.error(
      spot.field('name'),
      `Unknown static secret: ${reference.name}`,
      nearest === undefined ? 'it must stand in static_resources.secrets' : `did you mean "${nearest}"?`,
    )
    return undefined
  }
  const value = PICK[wanted](found.secret.type)
  if (value !== undefined) return { value, spot: found.spot }
  loading.error(spot.field('name'), `the secret "${reference.name}" is not a ${NOUNS[wanted]}`)
  return undefined
}
