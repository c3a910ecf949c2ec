// Judges the peer's certificate after the handshake and before a byte of ours goes out or one of its is handed on.

import { type X509Certificate, createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { TlsClientOptions, TlsServerOptions } from './tls-options.ts'

/** The outcome; `refused` is a sentence, and `verified` whether the chain leads to a configured root. */
export interface PeerJudgement {
  readonly verified: boolean
  readonly refused: string | undefined
}

/** A peer that was judged and accepted: what a resumed session goes by, because it brings no certificate. */
export interface AcceptedPeer {
  readonly verified: boolean
  /** DER; undefined when the peer sent none and none was wanted. */
  readonly certificate: Buffer | undefined
}

/** Judges the peer of `socket`. `required`: a peer without a certificate is refused. */
export function judgePeer(
  socket: TLSSocket,
  options: TlsClientOptions | TlsServerOptions,
  required: boolean,
  remembered?: AcceptedPeer,
): PeerJudgement {
  const { validation } = options
  // The session of a refused handshake is never kept, so a resumed one is with a peer that was accepted (RFC 8446 §2.2).
  if (remembered !== undefined && socket.isSessionReused()) return { verified: remembered.verified, refused: undefined }
  if (validation === undefined && !required) return { verified: false, refused: undefined }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    return { verified: false, refused: required ? 'the peer sent no certificate' : undefined }
  }
  if (validation === undefined) return { verified: false, refused: undefined }
  const chainAsked = validation.trustedCa !== undefined || validation.systemRoots
  const chainError = chainAsked && !socket.authorized ? String(socket.authorizationError ?? 'not verified') : undefined
  const excused = chainError === 'CERT_HAS_EXPIRED' && validation.allowExpired
  const verified = chainAsked && (chainError === undefined || excused)
  if (chainAsked && !verified && !validation.acceptUntrusted)
    return { verified, refused: `the certificate is not trusted: ${chainError}` }
  return {
    verified,
    refused: pinError(certificate, options) ?? depthError(certificate, options) ?? options.verifySubject?.(certificate),
  }
}

/** Envoy: when both kinds of pin are set, one match of either is enough. */
function pinError(certificate: X509Certificate, options: TlsClientOptions | TlsServerOptions): string | undefined {
  const { spkiPins = [], certificateHashes = [] } = options.validation ?? {}
  if (spkiPins.length === 0 && certificateHashes.length === 0) return undefined
  const spki = createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
  const whole = createHash('sha256').update(certificate.raw).digest('hex')
  if (spkiPins.includes(spki) || certificateHashes.includes(whole)) return undefined
  return 'the certificate matches none of the pinned keys and hashes'
}

function depthError(certificate: X509Certificate, options: TlsClientOptions | TlsServerOptions): string | undefined {
  const most = options.validation?.maxVerifyDepth
  if (most === undefined) return undefined
  let above = 0
  for (let issuer = certificate.issuerCertificate; issuer !== undefined; issuer = issuer.issuerCertificate) {
    if (issuer.subject === issuer.issuer || ++above > most) break
  }
  return above > most ? `the certificate chain has more than ${most} intermediate certificates` : undefined
}
