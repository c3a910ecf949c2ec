// https of an HTTPServer: certificates by server name, and the authority of client certificates.

import { DEFAULT_DOWNSTREAM_TLS, DEFAULT_VALIDATION, type DownstreamTls, type TlsCertificate } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import { loadChain, loadPair, pemOf } from './certificates.ts'
import type { HttpServerSpec } from './http-server-schema.ts'
import type { Loading } from './loading.ts'

export function lowerServerTls(loading: Loading, spec: HttpServerSpec, spot: Spot): DownstreamTls {
  const certificates = [...basePair(loading, spec, spot), ...namedPairs(loading, spec, spot)]
  const nothing = spec.certBase64 === undefined && spec.keyBase64 === undefined && spec.certs === undefined
  if (nothing && spec.keys === undefined)
    loading.error(
      spot.field('https'),
      'https needs a certificate: certBase64 and keyBase64, or certs and keys, are empty',
    )
  const ca = spec.caCertBase64
  if (ca !== undefined) loadChain(loading, ca, spot.field('caCertBase64'))
  return {
    ...DEFAULT_DOWNSTREAM_TLS,
    certificates,
    validation:
      ca === undefined ? undefined : { ...DEFAULT_VALIDATION, trustedCa: ca, place: spot.field('caCertBase64').place },
    alpn: ['h2', 'http/1.1'],
    requireClientCertificate: ca !== undefined,
    place: spot.field('https').place,
  }
}

function basePair(loading: Loading, spec: HttpServerSpec, spot: Spot): readonly TlsCertificate[] {
  const { certBase64, keyBase64 } = spec
  if (certBase64 === undefined && keyBase64 === undefined) return []
  if (certBase64 === undefined || keyBase64 === undefined) {
    const [has, needs] = certBase64 === undefined ? ['keyBase64', 'certBase64'] : ['certBase64', 'keyBase64']
    loading.error(spot.field(has), `${has} needs ${needs} beside it`)
    return []
  }
  const pair = loadPair(
    loading,
    { pem: certBase64, spot: spot.field('certBase64') },
    { pem: keyBase64, spot: spot.field('keyBase64') },
    'certBase64',
  )
  return pair === undefined ? [] : [pair]
}

/** Names pair certificates and keys; which one a client gets is decided by the names in the certificates. */
function namedPairs(loading: Loading, spec: HttpServerSpec, spot: Spot): readonly TlsCertificate[] {
  const { certs = {}, keys = {} } = spec
  for (const name of Object.keys(keys)) {
    if (!Object.hasOwn(certs, name)) loading.error(spot.field('keys').key(name), `certs has no certificate "${name}"`)
  }
  return Object.entries(certs).flatMap(([name, text]) => {
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined
    const at = spot.field('certs').key(name)
    if (key === undefined) {
      loading.error(at, `keys has no key "${name}"`)
      return []
    }
    const keySpot = spot.field('keys').key(name)
    const pair = loadPair(loading, { pem: pemOf(text), spot: at }, { pem: pemOf(key), spot: keySpot }, name)
    return pair === undefined ? [] : [pair]
  })
}
