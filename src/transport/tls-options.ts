// What TLS can be told, on either side. The configuration's model fits these shapes; nothing here reads files.

import type { X509Certificate } from 'node:crypto'

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** A certificate chain with its key, PEM. */
export interface TlsIdentity {
  readonly certificateChain: Buffer
  readonly privateKey: Buffer
  /** Of the key. Secret: never printed. */
  readonly password: string | undefined
}

/** How the peer's certificate is judged. */
export interface TlsPeerValidation {
  /** PEM; without it and without `systemRoots` no chain is asked for, only what else is set here. */
  readonly trustedCa: Buffer | undefined
  readonly systemRoots: boolean
  /** PEM. */
  readonly crl: Buffer | undefined
  /** Base64 SHA-256 of the public key (SPKI); one must match when there are any. */
  readonly spkiPins: readonly string[]
  /** Lower-case hexadecimal SHA-256 of the certificate; one must match when there are any. */
  readonly certificateHashes: readonly string[]
  readonly allowExpired: boolean
  /** Judge, but go on whatever the chain is. */
  readonly acceptUntrusted: boolean
  /** Most intermediate certificates between the peer's and a root; undefined = any number. */
  readonly maxVerifyDepth: number | undefined
}

interface TlsOptions {
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
  /** OpenSSL cipher list; undefined = the runtime's. */
  readonly ciphers: string | undefined
  /** Colon-separated curves; undefined = the runtime's. */
  readonly curves: string | undefined
  readonly signatureAlgorithms: string | undefined
  readonly certificates: readonly TlsIdentity[]
  /** Undefined: the peer's certificate is not looked at. */
  readonly validation: TlsPeerValidation | undefined
  /** Protocols in order of preference; empty = no ALPN. */
  readonly alpn: readonly string[]
  /** File that receives the session keys in NSS key log format, for debugging only. */
  readonly keyLogPath: string | undefined
  /** Judges the names of a certificate that passed everything else: a sentence why it is refused, or undefined. */
  readonly verifySubject?: (certificate: X509Certificate) => string | undefined
}

export interface TlsServerOptions extends TlsOptions {
  readonly requireClientCertificate: boolean
  /** Session ticket keys, 80 bytes each in Envoy's form; the first encrypts. Empty = made at random. */
  readonly sessionTicketKeys: readonly Buffer[]
  /** Whether tickets, sessions kept here, are offered. */
  readonly statelessResumption: boolean
  readonly statefulResumption: boolean
  /** Seconds a session can be resumed; undefined = the runtime's. */
  readonly sessionTimeout: number | undefined
}

export interface TlsClientOptions extends TlsOptions {
  /** Sessions kept per destination for resumption; 0 = none. */
  readonly maxSessionKeys: number
}
