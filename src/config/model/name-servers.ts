// The name servers that a cluster or a DNS cache asks in place of the machine's. Envoy: CaresDnsResolverConfig.

/** The hosts file comes first all the same. */
export interface NameServers {
  /** `ip:port`, the first that answers; empty = those of the machine. */
  readonly servers: readonly string[]
  /** Of the first try; every further one has twice as long. undefined = 2 s. */
  readonly queryTimeoutMs?: number | undefined
  /** undefined = 2. */
  readonly tries?: number | undefined
}
