// TLS on either side, with certificates loaded. Envoy: extensions.transport_sockets.tls.v3.

import type { Place } from './place.ts'
import type { StringMatch } from './string-match.ts'

export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** A certificate chain with its key, PEM. */
export interface TlsCertificate {
  readonly certificateChain: Buffer
  readonly privateKey: Buffer
  /** Secret: never printed. */
  readonly password: string | undefined
  /** File of the chain, or `inline`, or the environment variable's name. */
  readonly origin: string
  readonly place: Place
}

export type SanType = 'dns' | 'uri' | 'email' | 'ip' | 'any'

export interface TlsValidation {
  /** PEM; undefined with `systemRoots` false means: any certificate that passes the pins below. */
  readonly trustedCa: Buffer | undefined
  readonly systemRoots: boolean
  readonly crl: Buffer | undefined
  /** One must match when there are any. */
  readonly subjectAltNames: readonly { readonly type: SanType; readonly match: StringMatch }[]
  /** Base64 SHA-256 of the SPKI; one must match when there are any. */
  readonly spkiPins: readonly string[]
  /** Lower-case hex SHA-256 of the certificate; one must match when there are any. */
  readonly certificateHashes: readonly string[]
  readonly allowExpired: boolean
  /** ACCEPT_UNTRUSTED: verify, but go on. */
  readonly acceptUntrusted: boolean
  readonly maxVerifyDepth: number | undefined
  readonly place: Place
}

export interface TlsCommon {
  readonly minVersion: TlsVersion
  readonly maxVersion: TlsVersion
  /** OpenSSL cipher list; undefined = default. */
  readonly ciphers: string | undefined
  readonly curves: string | undefined
  readonly signatureAlgorithms: string | undefined
  readonly certificates: readonly TlsCertificate[]
  readonly validation: TlsValidation | undefined
  readonly alpn: readonly string[]
  /** SSLKEYLOGFILE-format file for debugging. */
  readonly keyLogPath: string | undefined
  readonly place: Place
}

export interface DownstreamTls extends TlsCommon {
  readonly requireClientCertificate: boolean
  /** Keys of session tickets, 80 bytes each, first one encrypts. Empty = generated. */
  readonly sessionTicketKeys: readonly Buffer[]
  readonly statelessResumption: boolean
  readonly statefulResumption: boolean
  /** Seconds. */
  readonly sessionTimeout: number | undefined
}

export interface UpstreamTls extends TlsCommon {
  /** '' = none. */
  readonly sni: string
  /** Use the endpoint's hostname as SNI. */
  readonly autoHostSni: boolean
  /** Use the request's authority as SNI (cluster's auto_sni). */
  readonly autoSni: boolean
  /** Header to take it from; '' = :authority. */
  readonly autoSniHeader: string
  /** Verify the certificate against the SNI or authority. */
  readonly autoSanValidation: boolean
  /** Sessions kept for resumption; 0 = none. */
  readonly maxSessionKeys: number
}

/** Asks for no more than a chain of trust, to authorities that are yet to be named. */
export const DEFAULT_VALIDATION: Omit<TlsValidation, 'place'> = {
  trustedCa: undefined,
  systemRoots: false,
  crl: undefined,
  subjectAltNames: [],
  spkiPins: [],
  certificateHashes: [],
  allowExpired: false,
  acceptUntrusted: false,
  maxVerifyDepth: undefined,
}

const DEFAULT_TLS: Omit<TlsCommon, 'place'> = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: undefined,
  curves: undefined,
  signatureAlgorithms: undefined,
  certificates: [],
  validation: undefined,
  alpn: [],
  keyLogPath: undefined,
}

/** No certificate yet, and none asked of clients. */
export const DEFAULT_DOWNSTREAM_TLS: Omit<DownstreamTls, 'place'> = {
  ...DEFAULT_TLS,
  requireClientCertificate: false,
  sessionTicketKeys: [],
  statelessResumption: true,
  statefulResumption: true,
  sessionTimeout: undefined,
}

/** Encrypted, to whoever answers: `validation` is for the caller to say. */
export const DEFAULT_UPSTREAM_TLS: Omit<UpstreamTls, 'place'> = {
  ...DEFAULT_TLS,
  sni: '',
  autoHostSni: false,
  autoSni: false,
  autoSniHeader: '',
  autoSanValidation: false,
  maxSessionKeys: 1,
}
