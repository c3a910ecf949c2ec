// Certificates and keys of objects: PEM, or base64 of it, checked at load so that a mistake shows before the first
// handshake.

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import type { TlsCertificate } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'

/** As the vendor reads it: what is no base64 is PEM. */
export function pemOf(text: string): Buffer {
  const plain = text.replace(/\s+/g, '')
  const base64 = plain !== '' && /^[A-Za-z0-9+/]+={0,2}$/.test(plain) && plain.length % 4 === 0
  return base64 ? Buffer.from(plain, 'base64') : Buffer.from(text)
}

const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^]*?-----END (?:TRUSTED )?CERTIFICATE-----/g

/** The pair; undefined when something is wrong with it, which is then reported. `origin` is its name for admin pages. */
export function loadPair(
  loading: Loading,
  certificate: { readonly pem: Buffer; readonly spot: Spot },
  key: { readonly pem: Buffer; readonly spot: Spot },
  origin: string,
): TlsCertificate | undefined {
  const [leaf] = loadChain(loading, certificate.pem, certificate.spot)
  const privateKey = loadKey(loading, key.pem, key.spot)
  if (leaf === undefined || privateKey === undefined) return undefined
  if (!leaf.checkPrivateKey(privateKey)) {
    loading.error(key.spot, 'the key does not belong to the certificate', 'the chain begins with the server’s own one')
    return undefined
  }
  warnOfDates(loading, leaf, certificate.spot)
  return {
    certificateChain: certificate.pem,
    privateKey: key.pem,
    password: undefined,
    origin,
    place: certificate.spot.place,
  }
}

/** The certificates of a PEM text; none when it has a fault, which is then reported. */
export function loadChain(loading: Loading, pem: Buffer, spot: Spot): readonly X509Certificate[] {
  const blocks = pem.toString('latin1').match(PEM_CERTIFICATE) ?? []
  if (blocks.length === 0) loading.error(spot, 'there is no PEM certificate in it')
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    loading.error(spot, 'the certificate in it is broken')
    return []
  }
}

function loadKey(loading: Loading, pem: Buffer, spot: Spot): KeyObject | undefined {
  if (!pem.includes('PRIVATE KEY-----')) {
    loading.error(spot, 'there is no PEM private key in it')
    return undefined
  }
  try {
    return createPrivateKey(pem)
  } catch {
    loading.error(spot, 'the private key in it is broken or encrypted')
    return undefined
  }
}

function warnOfDates(loading: Loading, leaf: X509Certificate, spot: Spot): void {
  const now = loading.options.now ?? Date.now()
  const subject = leaf.subject.replaceAll('\n', ', ')
  if (Date.parse(leaf.validTo) < now) loading.warning(spot, `the certificate "${subject}" expired on ${leaf.validTo}`)
  else if (Date.parse(leaf.validFrom) > now)
    loading.warning(spot, `the certificate "${subject}" is not valid before ${leaf.validFrom}`)
}
