// The request that opens a tunnel: CONNECT (RFC 9110 §9.3.6) or POST, made from the configuration and the connection's
// facts. What the format strings evaluate to comes from clients, so none of it reaches the wire unchecked.

import { randomUUID } from 'node:crypto'
import { printable } from '../../../core/printable.ts'
import { isConnectAuthority } from '../../../codec/connect-target.ts'
import { HeaderList } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import { placeHint } from '../../../config/model/place.ts'
import type { TunnelingConfig } from '../../../config/model/tcp-proxy.ts'
import { evaluate } from '../../../format/evaluate.ts'
import type { StreamFacts } from '../../../format/stream-facts.ts'
import { addTunnelFields } from '../../../upstream/tunnel-fields.ts'

export type TunnelHead =
  { readonly kind: 'head'; readonly head: RequestHead } | { readonly kind: 'invalid'; readonly explanation: string }

/** Dynamic metadata namespace in which the request id is noted, as in Envoy. */
const METADATA_NAMESPACE = 'envoy.filters.network.tcp_proxy'

/** Characters of a refused target that are worth a log line. */
const MAX_SHOWN = 255

/** `secure`: whether the proxy is reached by TLS, which is the scheme of a POST. */
export function tunnelHead(config: TunnelingConfig, facts: StreamFacts, secure: boolean): TunnelHead {
  const authority = evaluate(config.hostname, facts)
  if (!isConnectAuthority(authority)) {
    const shown = printable(authority.slice(0, MAX_SHOWN))
    const explanation =
      `tunneling_config.hostname "${config.hostname.source}" (${placeHint(config.place)}) came out as "${shown}", ` +
      'which is no host with an optional port'
    return { kind: 'invalid', explanation }
  }
  const headers = new HeaderList()
  addRequestId(config, facts, headers)
  addTunnelFields(headers, config.headers, facts)
  const { usePost } = config
  return {
    kind: 'head',
    head: {
      method: usePost ? 'POST' : 'CONNECT',
      scheme: secure ? 'https' : 'http',
      authority,
      path: usePost ? config.postPath : '',
      protocol: 'HTTP/1.1',
      headers,
      tunnel: usePost ? undefined : { kind: 'connect' },
    },
  }
}

function addRequestId({ requestId }: TunnelingConfig, facts: StreamFacts, headers: HeaderList): void {
  if (requestId === undefined) return
  const id = randomUUID()
  headers.add(requestId.header, id)
  facts.downstream.state?.setMetadata(METADATA_NAMESPACE, requestId.metadataKey, id)
}
