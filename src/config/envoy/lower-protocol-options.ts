// Which HTTP a cluster is spoken to in, and its options: the HttpProtocolOptions extension, or the old fields of the
// cluster itself. Envoy: extensions.upstreams.http.v3.HttpProtocolOptions.

import { isMessage } from '@bufbuild/protobuf'
import type { Cluster, UpstreamProtocol } from '../model/cluster.ts'
import type { Spot } from '../source/tree.ts'
import { nearestName } from '../model/nearest-name.ts'
import type { Loading } from './loading.ts'
import { lowerHashPolicies } from './lower-hash-policy.ts'
import { lowerCommonHttp, lowerHttp1, lowerHttp2 } from './lower-http-options.ts'
import { lowerMirrors } from './lower-mirror.ts'
import { lowerRetryPolicy } from './lower-retry-policy.ts'
import {
  Cluster_ClusterProtocolSelection as Selection,
  HttpProtocolOptionsSchema,
  type Cluster as ClusterMessage,
  type Http1ProtocolOptions,
  type Http2ProtocolOptions,
  type HttpProtocolOptions,
  type UpstreamHttpProtocolOptions,
} from './messages.ts'

/** Name of the extension in typed_extension_protocol_options. */
const EXTENSION = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

export interface ProtocolOptions {
  readonly model: Pick<Cluster, 'protocol' | 'common' | 'http1' | 'http2' | 'hashPolicies' | 'retry' | 'mirrors'>
  readonly upstream: UpstreamHttpProtocolOptions | undefined
}

export function lowerProtocolOptions(loading: Loading, message: ClusterMessage, spot: Spot): ProtocolOptions {
  const options = findExtension(loading, message, spot.field('typed_extension_protocol_options'))
  if (options === undefined) return fromOldFields(loading, message, spot)
  const at = spot.field('typed_extension_protocol_options').key(EXTENSION)
  for (const name of [
    'http_protocol_options',
    'http2_protocol_options',
    'common_http_protocol_options',
    'upstream_http_protocol_options',
  ]) {
    if (spot.has(name))
      loading.error(
        spot.field(name),
        'is ignored beside the HttpProtocolOptions extension',
        'keep it in the extension only',
      )
  }
  const chosen = choose(options, at)
  return {
    model: {
      protocol: chosen.protocol,
      common: lowerCommonHttp(options.commonHttpProtocolOptions),
      http1: lowerHttp1(loading, chosen.http1, chosen.spot.field('http_protocol_options')),
      http2: lowerHttp2(loading, chosen.http2, chosen.spot.field('http2_protocol_options')),
      ...withHashPolicies(lowerHashPolicies(loading, options.hashPolicy, at.field('hash_policy'))),
      ...lowerResilience(loading, options, at),
    },
    upstream: options.upstreamHttpProtocolOptions,
  }
}

/** They win over what routes say. */
function lowerResilience(
  loading: Loading,
  options: HttpProtocolOptions,
  spot: Spot,
): Pick<Cluster, 'retry' | 'mirrors'> {
  const retry = lowerRetryPolicy(loading, options.retryPolicy, spot.field('retry_policy'))
  const at = spot.field('request_mirror_policies')
  const mirrors = lowerMirrors(loading, options.requestMirrorPolicies, at, (name, where) => {
    if (name !== '' && !loading.clusterNames.has(name)) loading.error(where, `unknown shadow cluster '${name}'`)
  })
  return { ...(retry === undefined ? {} : { retry }), ...(mirrors === undefined ? {} : { mirrors }) }
}

const withHashPolicies = (hashPolicies: Cluster['hashPolicies']): Pick<Cluster, 'hashPolicies'> =>
  hashPolicies === undefined ? {} : { hashPolicies }

function findExtension(loading: Loading, message: ClusterMessage, spot: Spot): HttpProtocolOptions | undefined {
  let found: HttpProtocolOptions | undefined
  for (const [name, any] of Object.entries(message.typedExtensionProtocolOptions)) {
    const config = loading.unpack(any)
    if (name !== EXTENSION) {
      const near = nearestName(name, [EXTENSION]) ?? EXTENSION
      loading.error(spot.key(name), `no extension is named "${name}"`, `known: ${near}`)
    } else if (isMessage(config, HttpProtocolOptionsSchema)) {
      found = config
    }
  }
  return found
}

interface Choice {
  readonly protocol: UpstreamProtocol
  readonly http1: Http1ProtocolOptions | undefined
  readonly http2: Http2ProtocolOptions | undefined
  readonly spot: Spot
}

function choose(options: HttpProtocolOptions, spot: Spot): Choice {
  const { upstreamProtocolOptions: chosen } = options
  switch (chosen.case) {
    case 'explicitHttpConfig': {
      const config = chosen.value.protocolConfig
      const at = spot.field('explicit_http_config')
      if (config.case === 'http2ProtocolOptions') {
        return { protocol: { kind: 'explicit', version: 'http2' }, http1: undefined, http2: config.value, spot: at }
      }
      const http1 = config.case === 'httpProtocolOptions' ? config.value : undefined
      return { protocol: { kind: 'explicit', version: 'http1' }, http1, http2: undefined, spot: at }
    }
    case 'useDownstreamProtocolConfig': {
      const { httpProtocolOptions: http1, http2ProtocolOptions: http2 } = chosen.value
      return { protocol: { kind: 'downstream' }, http1, http2, spot: spot.field('use_downstream_protocol_config') }
    }
    case 'autoConfig': {
      const { httpProtocolOptions: http1, http2ProtocolOptions: http2 } = chosen.value
      return { protocol: { kind: 'auto' }, http1, http2, spot: spot.field('auto_config') }
    }
    case undefined:
      return { protocol: { kind: 'explicit', version: 'http1' }, http1: undefined, http2: undefined, spot }
  }
}

/** The fields that the cluster had before the extension; deprecated in Envoy, but still read. */
function fromOldFields(loading: Loading, message: ClusterMessage, spot: Spot): ProtocolOptions {
  const version = message.http2ProtocolOptions === undefined ? 'http1' : 'http2'
  const downstream = message.protocolSelection === Selection.USE_DOWNSTREAM_PROTOCOL
  return {
    model: {
      protocol: downstream ? { kind: 'downstream' } : { kind: 'explicit', version },
      common: lowerCommonHttp(message.commonHttpProtocolOptions),
      http1: lowerHttp1(loading, message.httpProtocolOptions, spot.field('http_protocol_options')),
      http2: lowerHttp2(loading, message.http2ProtocolOptions, spot.field('http2_protocol_options')),
    },
    upstream: message.upstreamHttpProtocolOptions,
  }
}
