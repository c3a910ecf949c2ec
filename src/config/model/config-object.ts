// What the admin pages tell of a configuration that consists of objects, as Easegress's and Kubernetes's do.

/** One object. */
export interface ConfigObject {
  readonly kind: string
  readonly name: string
  /** '' where there are none. */
  readonly namespace: string
  /** Plain data, secrets redacted, as its own controller would show it. */
  readonly value: unknown
}
