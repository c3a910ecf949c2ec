// The request that opens a UDP tunnel: CONNECT-UDP (RFC 9298 §3) or POST, made from the configuration and the session's
// facts. What the format strings evaluate to may come from clients, so none of it reaches the wire unchecked.

import { isIPv6 } from 'node:net'
import { printable } from '../../core/printable.ts'
import { readUdpPath, udpPath } from '../../codec/capsule/udp-path.ts'
import { HeaderList } from '../../codec/header-list.ts'
import type { RequestHead } from '../../codec/http-stream.ts'
import { placeHint } from '../../config/model/place.ts'
import type { UdpTunnelingConfig } from '../../config/model/udp-proxy.ts'
import { evaluate } from '../../format/evaluate.ts'
import type { StreamFacts } from '../../format/stream-facts.ts'
import { addTunnelFields } from '../../upstream/tunnel-fields.ts'

export type UdpTunnelHead =
  { readonly kind: 'head'; readonly head: RequestHead } | { readonly kind: 'invalid'; readonly explanation: string }

/** Filter state that overrides the port of the target, as in Envoy. */
const TARGET_PORT = 'udp.connect.target_port'

/** `secure`: whether the proxy is reached by TLS. */
export function udpTunnelHead(config: UdpTunnelingConfig, facts: StreamFacts, secure: boolean): UdpTunnelHead {
  const host = evaluate(config.proxyHost, facts)
  if (!isHost(host)) return invalid(config, 'proxy_host', config.proxyHost.source, host)
  const { usePost } = config
  const path = usePost ? config.postPath : targetPath(config, facts)
  if (path === undefined)
    return invalid(config, 'target_host', config.targetHost.source, evaluate(config.targetHost, facts))
  const headers = new HeaderList()
  if (!usePost) {
    headers.add('connection', 'upgrade')
    headers.add('upgrade', 'connect-udp')
    headers.add('capsule-protocol', '?1')
  }
  // RFC 9297 §3.4: the field is the tunnel's own.
  addTunnelFields(headers, config.headers, facts, 'capsule-protocol')
  return {
    kind: 'head',
    head: {
      method: usePost ? 'POST' : 'GET',
      scheme: secure ? 'https' : 'http',
      authority: config.proxyPort === undefined ? host : `${host}:${config.proxyPort}`,
      path,
      protocol: 'HTTP/1.1',
      headers,
      tunnel: usePost ? undefined : { kind: 'upgrade', type: 'connect-udp' },
    },
  }
}

/** The path for the target; undefined when the far side could not read the target from it. */
function targetPath(config: UdpTunnelingConfig, facts: StreamFacts): string | undefined {
  const override = Number(facts.downstream.state?.filterState.get(TARGET_PORT) ?? 0)
  const port = Number.isInteger(override) && override > 0 && override <= 65_535 ? override : config.defaultTargetPort
  const path = udpPath(evaluate(config.targetHost, facts), port)
  return readUdpPath(path).kind === 'target' ? path : undefined
}

/** A name or an address, an IPv6 one in brackets; with the port that some put there. */
function isHost(text: string): boolean {
  const host = text.replace(/:[0-9]{1,5}$/, '')
  if (host.startsWith('[')) return host.endsWith(']') && isIPv6(host.slice(1, -1))
  return host.length <= 255 && /^[A-Za-z0-9._~%!$&'()*+;=-]+$/.test(host)
}

function invalid(config: UdpTunnelingConfig, field: string, source: string, value: string): UdpTunnelHead {
  const shown = printable(value.slice(0, 255))
  const explanation = `tunneling_config.${field} "${source}" (${placeHint(config.place)}) came out as "${shown}", which is no host`
  return { kind: 'invalid', explanation }
}
