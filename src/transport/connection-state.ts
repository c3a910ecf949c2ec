// What is known of a downstream connection besides its socket: by listener filters, by network filters, or handed through
// an internal listener. Made when the first thing is learnt; most connections never have one.

import type { StreamAddress } from './byte-stream.ts'

/** A type-length-value of a PROXY protocol header. */
export interface ReceivedTlv {
  /** 0..255. */
  readonly type: number
  readonly value: Buffer
}

export class ConnectionState {
  /** The socket's own peer and local address, where a PROXY header or an original destination stands in their place. */
  directRemote: StreamAddress | undefined
  directLocal: StreamAddress | undefined
  /** Where the client wanted to go before the system redirected it here (SO_ORIGINAL_DST), or a PROXY header said so. */
  originalDestination: StreamAddress | undefined
  /** Of a PROXY v2 header, those that the configuration keeps. */
  tlvs: readonly ReceivedTlv[] = []
  /** `h2c` or `http/1.1` when the http_inspector saw it; ''. */
  sniffedProtocol = ''
  /** Envoy's filter state by key, as text: `%FILTER_STATE(key:PLAIN)%`. */
  readonly filterState = new Map<string, string>()
  /** Dynamic metadata: namespace → key → text: `%DYNAMIC_METADATA(namespace:key)%`. */
  readonly metadata = new Map<string, Map<string, string>>()

  setMetadata(namespace: string, key: string, value: string): void {
    let values = this.metadata.get(namespace)
    if (values === undefined) {
      values = new Map()
      this.metadata.set(namespace, values)
    }
    values.set(key, value)
  }
}
