// PEM text of Secrets and ConfigMaps, parsed at load so that a mistake shows before the first handshake. Answers a
// sentence when it cannot be used.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^]*?-----END (?:TRUSTED )?CERTIFICATE-----/g

/** Certificates that one text may hold. */
const MAX_CERTIFICATES = 1000

/** The certificates of a text, the first one first. */
export function certificatesOf(text: Buffer): readonly X509Certificate[] | string {
  const blocks = text.toString('latin1').match(CERTIFICATE) ?? []
  if (blocks.length === 0) return 'there is no PEM certificate in it'
  if (blocks.length > MAX_CERTIFICATES) return `it has more than ${MAX_CERTIFICATES} certificates`
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    return 'a certificate in it cannot be parsed'
  }
}

/** A private key without password, which is all that a Secret of type kubernetes.io/tls can hold. */
export function privateKeyOf(text: Buffer): KeyObject | string {
  if (!text.includes('PRIVATE KEY-----')) return 'there is no PEM private key in it'
  if (text.includes('ENCRYPTED')) return 'the private key is encrypted'
  try {
    return createPrivateKey(text)
  } catch {
    // The library's words may quote the key.
    return 'the private key cannot be parsed'
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** Base64 as Kubernetes writes it, line ends allowed; undefined when it is not. */
export function decodeBase64(text: string): Buffer | undefined {
  const dense = text.replace(/[\r\n]/g, '')
  return dense.length % 4 === 0 && BASE64.test(dense) ? Buffer.from(dense, 'base64') : undefined
}
