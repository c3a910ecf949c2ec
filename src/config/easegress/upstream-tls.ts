// TLS towards servers: verified against the roots of the system, or against the one root that mtls names.

import type { Place } from '../model/place.ts'
import { DEFAULT_UPSTREAM_TLS, DEFAULT_VALIDATION, type TlsCertificate, type UpstreamTls } from '../model/tls.ts'

export interface UpstreamTlsOptions {
  readonly place: Place
  readonly certificates?: readonly TlsCertificate[]
  /** PEM; undefined = the roots of the system. */
  readonly trustedCa?: Buffer | undefined
  /** Whatever certificate the server shows will do. */
  readonly unverified?: boolean
}

export const upstreamTls = ({
  place,
  certificates = [],
  trustedCa,
  unverified = false,
}: UpstreamTlsOptions): UpstreamTls => ({
  ...DEFAULT_UPSTREAM_TLS,
  certificates,
  validation: unverified
    ? undefined
    : { ...DEFAULT_VALIDATION, trustedCa, systemRoots: trustedCa === undefined, place },
  autoHostSni: true,
  autoSanValidation: !unverified,
  place,
})
