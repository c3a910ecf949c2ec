// What a connection to an internal listener carries along. Envoy: InternalUpstreamTransport.passthrough_metadata.

import type { PassedMetadata } from '../model/cluster.ts'
import type { InternalUpstreamTransport } from './messages.ts'

/** Other kinds than host and cluster are refused by the table of supported fields, and by Envoy. */
export const lowerPassedMetadata = ({ passthroughMetadata }: InternalUpstreamTransport): readonly PassedMetadata[] =>
  passthroughMetadata.map(({ kind, name }) => ({
    from: kind?.kind.case === 'cluster' ? 'cluster' : 'host',
    namespace: name,
  }))
