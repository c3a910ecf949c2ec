// The whole of a configuration, as the data plane takes it: plain data, defaults filled in, references resolved.

import type { AccessLogConfig } from './access-log.ts'
import type { Address } from './address.ts'
import type { Cluster } from './cluster.ts'
import type { ConfigObject } from './config-object.ts'
import type { Listener } from './listener.ts'
import type { Place } from './place.ts'
import type { StringMatch } from './string-match.ts'

export interface AdminConfig {
  readonly address: Address
  readonly accessLogs: readonly AccessLogConfig[]
  /** Empty = every path. */
  readonly allowPaths: readonly StringMatch[]
  readonly place: Place
}

export interface NodeConfig {
  readonly id: string
  readonly cluster: string
}

export interface ProxyConfig {
  readonly listeners: readonly Listener[]
  readonly clusters: ReadonlyMap<string, Cluster>
  readonly admin: AdminConfig | undefined
  readonly node: NodeConfig
  /** Bytes that may wait in each direction of a connection to an internal listener. */
  readonly internalBufferBytes: number
  /** Replaces `x-envoy` in header names; '' = there are no such headers. */
  readonly headerPrefix: string
  /** The configuration as read, secrets redacted, for /config_dump. */
  readonly dump: unknown
  /** The objects it was made of; undefined where the configuration is one piece. */
  readonly objects?: readonly ConfigObject[]
  /** Names and origins of certificates for /certs come from the listeners' and clusters' TLS. */
}
