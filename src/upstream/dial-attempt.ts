// One connection under way, layer by layer: the address, TLS to a proxy and its CONNECT, the PROXY header, TLS end to end.
// connect_timeout bounds all of them together (envoy.md §1.10). Says which layer failed.

import { closeCause, type CloseCause } from '../core/close-cause.ts'
import type { ErrorCode } from '../core/errors.ts'
import { connectThrough } from '../codec/http1/connect-handshake.ts'
import type { Endpoint } from '../cluster/endpoint.ts'
import type { Cluster } from '../config/model/cluster.ts'
import { observe } from '../observe/stats/registry.ts'
import type { ReplayableStream } from '../transport/replay.ts'
import type { Dial, DialSink } from '../transport/tcp.ts'
import type { HandshakeLimits, TlsClient } from '../transport/tls.ts'
import { clientHeader } from './client-header.ts'
import { dialRace } from './dial-race.ts'
import type { DialMode, DialPurpose, DialTarget, DialTools } from './dial.ts'
import { connectAuthority, connectFields, type ProxyHop } from './proxy-hop.ts'

/** What every attempt of a dialler goes by. */
export interface DialPlan {
  readonly cluster: Cluster
  readonly tools: DialTools
  readonly endpoint: Endpoint
  readonly mode: DialMode
  readonly purpose: DialPurpose
  /** A proxy on the way. */
  readonly hop: ProxyHop | undefined
  /** TLS end to end. */
  readonly tls: TlsClient | undefined
}

const TIMEOUT: ErrorCode = 'upstream_connection_timeout'
const GIVEN_UP = closeCause('proxy', 'tcp', 'finished', 'the dial was given up')

export class DialAttempt implements Dial, DialSink {
  readonly #plan: DialPlan
  readonly #target: DialTarget
  readonly #startMs: number
  /** Ends the layer that is under way. */
  #layer: Dial | undefined
  #over = false

  constructor(plan: DialPlan, target: DialTarget) {
    this.#plan = plan
    this.#target = target
    this.#startMs = plan.tools.clock.now()
  }

  start(): void {
    const { cluster, tools, endpoint, hop, purpose } = this.#plan
    const { connectTimeoutMs } = cluster
    this.#layer = dialRace(
      hop === undefined ? endpoint.addresses : [hop.address],
      { cluster, endpoint, tools, connectTimeoutMs, downstream: purpose.downstream },
      this,
    )
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    this.#layer?.cancel()
  }

  onConnect(stream: ReplayableStream): void {
    const { hop } = this.#plan
    if (hop === undefined) this.#introduce(stream)
    else if (hop.tls === undefined) this.#connectThrough(hop, stream)
    else {
      const { client, serverName } = hop.tls
      this.#layer = client.connect(stream, serverName, this.#limits(), {
        onSecure: (secure) => this.#connectThrough(hop, secure),
        onHandshakeError: (cause) => this.#failed(withDetail(cause, `TLS with proxy ${hop.text}: ${cause.detail}`)),
      })
    }
  }

  onConnectError(cause: CloseCause): void {
    const { hop } = this.#plan
    this.#failed(hop === undefined ? cause : withDetail(cause, `proxy ${cause.detail}`))
  }

  #connectThrough(hop: ProxyHop, stream: ReplayableStream): void {
    const { endpoint, tools, purpose } = this.#plan
    if (!hop.connects) return this.#introduce(stream)
    const authority = connectAuthority(endpoint)
    if (authority === undefined) {
      const detail = `proxy ${hop.text} cannot be asked for ${endpoint.text}: it is no host and port`
      stream.close(GIVEN_UP)
      return this.#failed(closeCause('proxy', 'http1', 'upstream_connection_failure', detail))
    }
    const headers = connectFields(hop, tools.clock, purpose.downstream)
    const handshake = connectThrough(
      stream,
      { authority, headers, ...this.#limits() },
      {
        onTunnel: (tunnel) => this.#introduce(tunnel),
        onFailed: (cause) => this.#failed(withDetail(cause, namingProxy(cause.detail, hop, authority))),
      },
    )
    this.#layer = { cancel: () => handshake.cancel(GIVEN_UP) }
  }

  /** The PROXY header comes before everything that is the far side's own (proxy-protocol.txt §2). */
  #introduce(stream: ReplayableStream): void {
    const { cluster, endpoint, purpose, tools } = this.#plan
    const send = purpose.downstream?.proxyProtocol ?? cluster.proxyProtocol
    if (send !== undefined) {
      const header = clientHeader(send, endpoint, purpose.downstream, tools.clock)
      stream.write(header, 0, header.length)
    }
    this.#secure(stream)
  }

  #secure(stream: ReplayableStream): void {
    const { tls, hop } = this.#plan
    if (tls === undefined) return this.#done(stream)
    const through = hop === undefined ? '' : ` (through proxy ${hop.text})`
    const sink = {
      onSecure: (secure: ReplayableStream) => this.#done(secure),
      onHandshakeError: (cause: CloseCause) =>
        this.#failed(through === '' ? cause : withDetail(cause, `${cause.detail}${through}`)),
    }
    this.#layer = tls.connect(stream, this.#serverName(), this.#limits(), sink, this.#alpn())
  }

  #serverName(): string {
    const { cluster, purpose, endpoint } = this.#plan
    if (purpose.serverName !== '') return purpose.serverName
    if (cluster.tls?.autoHostSni === true && endpoint.hostname !== '') return endpoint.hostname
    return cluster.tls?.sni ?? ''
  }

  /** The lane decides what is offered; an explicit list of the configuration wins for explicit versions. */
  #alpn(): readonly string[] {
    const { mode, cluster } = this.#plan
    const configured = cluster.tls?.alpn ?? []
    if (mode === 'raw') return configured
    if (mode === 'auto') return ['h2', 'http/1.1']
    if (cluster.protocol.kind === 'explicit' && configured.length > 0) return configured
    return mode === 'http2' ? ['h2'] : ['http/1.1']
  }

  #done(stream: ReplayableStream): void {
    if (this.#over) return
    this.#over = true
    const { tools, hop } = this.#plan
    observe(tools.stats.upstreamCxConnectMs, tools.clock.now() - this.#startMs)
    const version = stream.info.tls?.alpn === 'h2' ? 'http2' : 'http1'
    this.#target.onDialled({ stream, version, toProxy: hop?.connects === false })
  }

  #failed(reason: CloseCause): void {
    if (this.#over) return
    this.#over = true
    // A handshake that took all the time there was is a timeout like any other.
    const cause = this.#leftMs() < 1 ? { ...reason, code: TIMEOUT } : reason
    const { endpoint, hop, tools } = this.#plan
    const inTransport = cause.layer === 'tls' || hop !== undefined
    endpoint.stats.cxConnectFail++
    tools.stats.upstreamCxConnectFail.value++
    if (cause.code === TIMEOUT) tools.stats.upstreamCxConnectTimeout.value++
    const transportFailure = inTransport ? cause.detail : ''
    this.#target.onDialFailed({ code: cause.code, explanation: cause.detail, transportFailure, cause })
  }

  #limits(): HandshakeLimits {
    return { clock: this.#plan.tools.clock, timeoutMs: Math.max(1, Math.ceil(this.#leftMs())) }
  }

  #leftMs(): number {
    return this.#plan.cluster.connectTimeoutMs - (this.#plan.tools.clock.now() - this.#startMs)
  }
}

const withDetail = (cause: CloseCause, detail: string): CloseCause => ({ ...cause, detail })

/** Which proxy it was, and what it was asked for. */
function namingProxy(detail: string, { text }: ProxyHop, authority: string): string {
  const known = detail.replace('the proxy', () => `proxy ${text}`)
  return `${known} (CONNECT ${authority})`
}
