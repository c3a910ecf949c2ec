// Takes a PROXY protocol header from the beginning of a connection: its addresses stand in the place of the socket's own,
// and its TLVs go where the configuration says. Envoy: extensions.filters.listener.proxy_protocol.

import { Buffer, isUtf8 } from 'node:buffer'
import { isIPv4 } from 'node:net'
import type { ProxyEndpoints, ProxyHeader, ProxyVersion } from '../../codec/proxy-protocol/header.ts'
import { readProxyHeader } from '../../codec/proxy-protocol/read.ts'
import { passes } from '../../codec/proxy-protocol/tlvs.ts'
import type { ProxyProtocolReceive } from '../../config/model/proxy-protocol.ts'
import { type CloseCause, closeCause } from '../../core/close-cause.ts'
import type { StatRegistry } from '../../observe/stats/registry.ts'
import type { StreamAddress } from '../../transport/byte-stream.ts'
import { ConnectionState, type ReceivedTlv } from '../../transport/connection-state.ts'
import type { ReplayableStream } from '../../transport/replay.ts'
import type { ListenerFilterRuntime } from '../listener-filter.ts'
import { type GreetingJudge, type GreetingVerdict, readGreeting } from './greeting-reader.ts'
import { type ProxyProtocolStats, proxyProtocolStats } from './proxy-protocol-stats.ts'

export function proxyProtocol(config: ProxyProtocolReceive, registry: StatRegistry): ListenerFilterRuntime {
  const stats = proxyProtocolStats(registry, config.statPrefix)
  return {
    run(stream, _facts, limits, done) {
      readGreeting(stream, limits, new Reception(stream, config, stats), done)
    },
  }
}

class Reception implements GreetingJudge {
  readonly #stream: ReplayableStream
  readonly #config: ProxyProtocolReceive
  readonly #stats: ProxyProtocolStats

  constructor(stream: ReplayableStream, config: ProxyProtocolReceive, stats: ProxyProtocolStats) {
    this.#stream = stream
    this.#config = config
    this.#stats = stats
  }

  judge(bytes: Buffer): GreetingVerdict {
    const result = readProxyHeader(bytes)
    if (result.kind === 'absent') return this.#absent()
    const { version } = result.kind === 'header' ? result.header : result
    // With allow_requests_without_proxy_protocol Envoy does not look for a version that it does not take, so that such a
    // header is payload; otherwise it refuses it.
    if (version !== undefined && !this.#config.versions[version])
      return this.#config.allowWithout ? this.#absent() : this.#disallowed(version)
    switch (result.kind) {
      case 'incomplete':
        return { kind: 'wait', bytes: result.wanted }
      case 'malformed':
        return this.#malformed(result.version, result.reason)
      case 'header':
        return this.#apply(result.header, result.length)
    }
  }

  judgeEnd(bytes: Buffer): GreetingVerdict {
    if (this.#config.allowWithout) return this.#absent()
    const detail = `it ended ${bytes.length} bytes into its PROXY header`
    return refuse('client_disconnect', detail)
  }

  #absent(): GreetingVerdict {
    if (this.#config.allowWithout) {
      this.#stats.notFoundAllowed.value++
      return { kind: 'pass', bytes: 0 }
    }
    this.#stats.notFoundDisallowed.value++
    this.#stats.legacyError.value++
    return refuse('proxy_header_invalid', 'the connection does not begin with a PROXY header')
  }

  #disallowed(version: ProxyVersion): GreetingVerdict {
    this.#stats[version].found.value++
    this.#stats[version].disallowed.value++
    return refuse('proxy_header_invalid', `PROXY headers of version ${version.slice(1)} are not allowed`)
  }

  #malformed(version: ProxyVersion, reason: string): GreetingVerdict {
    this.#stats[version].error.value++
    this.#stats.legacyError.value++
    return refuse('proxy_header_invalid', reason)
  }

  #apply({ version, endpoints, tlvs }: ProxyHeader, length: number): GreetingVerdict {
    const problem = endpointsProblem(endpoints)
    if (problem !== undefined) return this.#malformed(version, problem)
    this.#stats[version].found.value++
    const state = this.#stream.info.state ?? new ConnectionState()
    this.#keepTlvs(state, tlvs)
    if (endpoints.kind === 'ip') this.#replaceAddresses(state, endpoints)
    else this.#stream.amend({ state })
    return { kind: 'pass', bytes: length }
  }

  /** A LOCAL or UNKNOWN header leaves the addresses alone (§2.1, §2.2); a second filter keeps the first one's direct ones. */
  #replaceAddresses(state: ConnectionState, { source, destination }: Ends): void {
    const { local, remote } = this.#stream.info
    state.directRemote ??= remote
    state.directLocal ??= local
    if (destination.text !== local.text) state.originalDestination = destination
    this.#stream.amend({ remote: source, local: destination, state })
  }

  #keepTlvs(state: ConnectionState, tlvs: readonly ReceivedTlv[]): void {
    const { keep, rules } = this.#config
    for (const { type, value } of tlvs) {
      const rule = rules.findLast((candidate) => candidate.type === type)
      if (rule !== undefined) state.setMetadata(rule.namespace || DEFAULT_NAMESPACE, rule.key, textOf(value))
    }
    // Copies: the header's bytes are not kept for the sake of one of them.
    state.tlvs = tlvs
      .filter(({ type }) => passes(keep, type))
      .map(({ type, value }) => ({ type, value: Buffer.from(value) }))
  }
}

interface Ends {
  readonly source: StreamAddress
  readonly destination: StreamAddress
}

const DEFAULT_NAMESPACE = 'envoy.filters.listener.proxy_protocol'

const refuse = (code: CloseCause['code'], detail: string): GreetingVerdict => ({
  kind: 'refuse',
  cause: closeCause('client', 'tcp', code, detail),
})

/** Envoy refuses clients of families other than IP, and addresses that no TCP connection can have. */
function endpointsProblem(endpoints: ProxyEndpoints): string | undefined {
  switch (endpoints.kind) {
    case 'local':
      return undefined
    case 'unspecified':
      return 'the header names no address'
    case 'unix':
      return 'the header names Unix sockets'
    case 'ip':
      return isUnicast(endpoints.source.ip) && isUnicast(endpoints.destination.ip)
        ? undefined
        : 'an address of the header is unspecified, multicast or broadcast'
  }
}

function isUnicast(ip: string): boolean {
  if (!isIPv4(ip)) return ip !== '::' && !/^ff[0-9a-f]{2}:/.test(ip)
  const first = Number(ip.split('.', 1)[0])
  return ip !== '0.0.0.0' && ip !== '255.255.255.255' && !(first >= 224 && first <= 239)
}

/**
 * A value as text of one character per byte, as field values are kept. Envoy, whose metadata is UTF-8, puts `!` in the place
 * of bytes that are not.
 */
function textOf(value: Buffer): string {
  return isUtf8(value) ? value.toString('latin1') : value.toString('utf8').replaceAll(/[^\0-\x7f]/g, '!')
}
