// A certificate chain with its key, parsed at load so that a mistake shows before the first handshake.
// Envoy: extensions.transport_sockets.tls.v3.TlsCertificate.

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import type { TlsCertificate } from '../model/tls.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { loadData, type LoadedData } from './lower-data-source.ts'
import type { TlsCertificate as Message } from './messages.ts'

/** undefined when anything is missing or wrong, which is then reported. */
export function lowerCertificate(loading: Loading, message: Message, spot: Spot): TlsCertificate | undefined {
  const chain = loadData(loading, message.certificateChain, spot.field('certificate_chain'))
  const key = loadData(loading, message.privateKey, spot.field('private_key'))
  const password = loadData(loading, message.password, spot.field('password'))
  if (chain === undefined || key === undefined) {
    if (message.certificateChain === undefined) loading.error(spot, 'needs certificate_chain')
    if (message.privateKey === undefined) loading.error(spot, 'needs private_key')
    return undefined
  }
  const certificates = parseChain(loading, chain)
  const parsedKey = parseKey(loading, key, password)
  const leaf = certificates[0]
  if (leaf === undefined || parsedKey === undefined) return undefined
  if (!leaf.checkPrivateKey(parsedKey)) {
    loading.error(
      key.spot,
      `the private key does not belong to the certificate in ${chain.origin}`,
      'the certificate’s own key is needed; the first certificate of the chain must be the server’s',
    )
    return undefined
  }
  return {
    certificateChain: chain.bytes,
    privateKey: key.bytes,
    password: password?.bytes.toString('utf8'),
    origin: chain.origin,
    place: spot.place,
  }
}

const PEM_CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^]*?-----END (?:TRUSTED )?CERTIFICATE-----/g

/** The certificates of a PEM text, first one first; faults are reported. */
export function parseChain(loading: Loading, data: LoadedData, what = 'certificate chain'): readonly X509Certificate[] {
  const blocks = data.bytes.toString('latin1').match(PEM_CERTIFICATE) ?? []
  if (blocks.length === 0) {
    loading.error(data.spot, `Failed to load ${what} from ${named(data)}: there is no PEM certificate in it`)
    return []
  }
  const certificates: X509Certificate[] = []
  for (const block of blocks) {
    try {
      certificates.push(new X509Certificate(block))
    } catch (error) {
      loading.error(data.spot, `Failed to load ${what} from ${named(data)}: ${reason(error)}`)
      return []
    }
  }
  warnOfDates(loading, certificates, data)
  return certificates
}

/** One sentence for the first certificate that is out of date; a bundle of roots may well hold old ones. */
function warnOfDates(loading: Loading, certificates: readonly X509Certificate[], data: LoadedData): void {
  const now = loading.options.now ?? Date.now()
  const [leaf] = certificates
  if (leaf === undefined) return
  const subject = leaf.subject.replaceAll('\n', ', ')
  if (Date.parse(leaf.validTo) < now)
    loading.warning(data.spot, `the certificate "${subject}" expired on ${leaf.validTo}`)
  else if (Date.parse(leaf.validFrom) > now)
    loading.warning(data.spot, `the certificate "${subject}" is not valid before ${leaf.validFrom}`)
}

function parseKey(loading: Loading, data: LoadedData, password: LoadedData | undefined): KeyObject | undefined {
  if (!data.bytes.includes('PRIVATE KEY-----')) {
    loading.error(data.spot, `Failed to load private key from ${named(data)}, Cause: there is no PEM private key in it`)
    return undefined
  }
  try {
    return createPrivateKey({ key: data.bytes, ...(password === undefined ? {} : { passphrase: password.bytes }) })
  } catch (error) {
    const hint =
      password === undefined && data.bytes.includes('ENCRYPTED') ? 'the key is encrypted; set password' : undefined
    loading.error(data.spot, `Failed to load private key from ${named(data)}, Cause: ${reason(error)}`, hint)
    return undefined
  }
}

const named = (data: LoadedData): string => (data.origin === 'inline' ? '<inline>' : data.origin)

/** OpenSSL's reason without its codes; it never quotes the input. */
const reason = (error: unknown): string =>
  (error instanceof Error ? error.message : 'not valid')
    .replace(/^error:[0-9A-F]+:/i, '')
    .replaceAll('::', ' ')
    .trim()
