// Makes the runtime's secure contexts, and picks the certificate for a server name.

import { X509Certificate } from 'node:crypto'
import { type SecureContext, type SecureContextOptions, createSecureContext, getCACertificates } from 'node:tls'
import type { TlsClientOptions, TlsIdentity, TlsServerOptions } from './tls-options.ts'

/** A context with `identities`, the first of each key type winning. Throws on a key or certificate that cannot be used. */
export function secureContext(
  options: TlsClientOptions | TlsServerOptions,
  identities: readonly TlsIdentity[],
): SecureContext {
  return createSecureContext(contextOptions(options, identities))
}

/** The options of {@link secureContext}, for what makes its own. */
export function contextOptions(
  options: TlsClientOptions | TlsServerOptions,
  identities: readonly TlsIdentity[],
): SecureContextOptions {
  const { minVersion, maxVersion, ciphers, curves, signatureAlgorithms, validation } = options
  const ordered = firstOfEachKeyType(identities)
  const roots = trustRoots(validation)
  return {
    minVersion,
    maxVersion,
    key: ordered.map(({ privateKey, password }) =>
      password === undefined ? { pem: privateKey } : { pem: privateKey, passphrase: password },
    ),
    cert: ordered.map(({ certificateChain }) => certificateChain),
    ...(roots === undefined ? {} : { ca: roots }),
    ...(validation?.crl === undefined ? {} : { crl: validation.crl }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(curves === undefined ? {} : { ecdhCurve: curves }),
    ...(signatureAlgorithms === undefined ? {} : { sigalgs: signatureAlgorithms }),
  }
}

/** OpenSSL holds one certificate per key type, and refuses the keys of two. */
function firstOfEachKeyType(identities: readonly TlsIdentity[]): TlsIdentity[] {
  const taken = new Set<string>()
  return identities.filter(({ certificateChain }) => {
    const type = new X509Certificate(certificateChain).publicKey.asymmetricKeyType ?? ''
    return !taken.has(type) && taken.add(type)
  })
}

function trustRoots(validation: TlsServerOptions['validation']): (string | Buffer)[] | undefined {
  if (validation === undefined) return undefined
  const roots: (string | Buffer)[] = validation.trustedCa === undefined ? [] : [validation.trustedCa]
  if (validation.systemRoots) roots.push(...getCACertificates('default'), ...getCACertificates('system'))
  return roots
}

/** Certificates by server name: an exact name first, then a wildcard (RFC 9525 §6.3), then those that came first. */
export class CertificatePicker {
  readonly #options: TlsServerOptions
  readonly #byName = new Map<string, TlsIdentity[]>()
  readonly #contexts = new Map<TlsIdentity[], SecureContext>()
  readonly #fallback: SecureContext

  constructor(options: TlsServerOptions) {
    this.#options = options
    for (const identity of options.certificates) {
      for (const name of namesOf(identity)) this.#add(name, identity)
    }
    this.#fallback = secureContext(options, options.certificates)
  }

  /** The context for `serverName`; '' = the client named none. */
  pick(serverName: string): SecureContext {
    const name = serverName.toLowerCase()
    const dot = name.indexOf('.')
    const found = this.#byName.get(name) ?? (dot < 0 ? undefined : this.#byName.get(`*${name.slice(dot)}`))
    if (found === undefined || this.#options.certificates.length === 1) return this.#fallback
    const made = this.#contexts.get(found) ?? secureContext(this.#options, found)
    this.#contexts.set(found, made)
    return made
  }

  #add(name: string, identity: TlsIdentity): void {
    const list = this.#byName.get(name)
    if (list === undefined) this.#byName.set(name, [identity])
    else if (!list.includes(identity)) list.push(identity)
  }
}

/** DNS names of the leaf, or its common name when it has none, in lower case. */
function namesOf(identity: TlsIdentity): string[] {
  const certificate = new X509Certificate(identity.certificateChain)
  const names = (certificate.subjectAltName ?? '').split(', ').filter((entry) => entry.startsWith('DNS:'))
  if (names.length > 0) return names.map((entry) => entry.slice(4).toLowerCase())
  const commonName = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return commonName === undefined ? [] : [commonName.toLowerCase()]
}
