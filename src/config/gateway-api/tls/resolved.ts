// What became of a reference: what it leads to, or the reason for its condition and a sentence.

/** Reasons as the conditions have them. */
export type RefusalReason =
  | 'InvalidCertificateRef'
  | 'InvalidCACertificateRef'
  | 'InvalidCACertificateKind'
  | 'InvalidKind'
  | 'InvalidGroup'
  | 'InvalidName'
  | 'InvalidPort'
  | 'InvalidService'
  | 'InvalidHTTPRoute'
  | 'InvalidGateway'
  | 'ServiceNotFound'
  | 'NoTargetReference'
  | 'RefNotPermitted'

export interface Refused {
  readonly kind: 'refused'
  readonly reason: RefusalReason
  readonly message: string
}

export type Resolved<T> = { readonly kind: 'resolved'; readonly value: T } | Refused

export const resolved = <T>(value: T): Resolved<T> => ({ kind: 'resolved', value })

export const refused = (reason: RefusalReason, message: string): Refused => ({ kind: 'refused', reason, message })
