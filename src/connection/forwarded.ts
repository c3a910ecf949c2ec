// The headers by which a proxy tells the next hop about the client: X-Forwarded-*, request id, client certificate, Via
// (envoy.md §2.10). Everything a client could forge is removed or overwritten unless the configuration trusts it.

import { randomUUID } from 'node:crypto'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { RequestHead } from '../codec/http-stream.ts'
import type { HttpConnectionManager } from '../config/model/http-connection-manager.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { ByteStream } from '../transport/byte-stream.ts'
import { clientCertificateHeader } from './client-certificate.ts'

/** Internal headers by which a client could command the router: no request from outside keeps them, whichever hop this is. */
const OF_THE_ROUTER = [
  'max-retries',
  'retry-on',
  'retry-grpc-on',
  'upstream-alt-stat-name',
  'upstream-rq-timeout-ms',
  'upstream-rq-per-try-timeout-ms',
  'upstream-rq-timeout-alt-response',
  'expected-rq-timeout-ms',
  'force-trace',
  'ip-tags',
  'original-url',
  'hedge-on-per-try-timeout',
  'retriable-status-codes',
  'retriable-header-names',
  'internal',
]

/** Those that only the first trusted hop takes away; a later one leaves what that hop has set. */
const OF_THE_EDGE = [
  'decorator-operation',
  'downstream-service-cluster',
  'downstream-service-node',
  'is-timeout-retry',
  'attempt-count',
  'original-path',
  'original-host',
  'external-address',
  'upstream-stream-duration-ms',
]

/** Decides once per configuration what is internal, then edits each request. */
export class Forwarder {
  readonly #config: HttpConnectionManager
  readonly #prefix: string
  readonly #internal = new BlockList()
  readonly #edgeHeaders: ReadonlySet<string>
  /** What no request from outside may say to the router, whichever hop this is. */
  readonly #routerHeaders: ReadonlySet<string>
  readonly #userAgent: string
  readonly #hasInternal: boolean
  /** `x-envoy-internal` and `x-envoy-external-address` under the configured prefix. */
  readonly #internalName: string
  readonly #externalName: string

  constructor(config: HttpConnectionManager, headerPrefix: string, serviceCluster: string) {
    this.#config = config
    this.#prefix = headerPrefix
    const prefixed = (name: string): string => `${headerPrefix}-${name}`
    this.#routerHeaders = new Set(OF_THE_ROUTER.map(prefixed))
    // Envoy's list for edge requests.
    this.#edgeHeaders = new Set([...OF_THE_ROUTER, ...OF_THE_EDGE].map(prefixed))
    this.#userAgent = serviceCluster
    this.#hasInternal = config.internalAddresses.ranges.length > 0
    this.#internalName = `${headerPrefix}-internal`
    this.#externalName = `${headerPrefix}-external-address`
    for (const range of config.internalAddresses.ranges) {
      this.#internal.addSubnet(range.address, range.prefixLength, isIPv6(range.address) ? 'ipv6' : 'ipv4')
    }
  }

  /** Adds and removes the forwarding headers; sets the client address in `facts`. */
  apply(head: RequestHead, connection: ByteStream, facts: StreamFacts): void {
    const { headers } = head
    const tls = connection.info.tls !== undefined
    const peer = connection.info.remote
    if (this.#config.useRemoteAddress) this.#applyOwnAddress(head, peer.ip, tls, facts)
    else this.#applyTrusted(head, peer.ip, facts)
    if (!headers.has('x-forwarded-proto')) headers.add('x-forwarded-proto', tls ? 'https' : 'http')
    if (this.#config.appendXForwardedPort) headers.set('x-forwarded-port', String(connection.info.local.port))
    if (this.#config.via !== '')
      appendList(head, 'via', `${head.protocol === 'HTTP/2' ? '2' : head.protocol.slice(5)} ${this.#config.via}`)
    if (this.#config.addUserAgent && this.#userAgent !== '')
      headers.set(`${this.#prefix}-downstream-service-cluster`, this.#userAgent)
    clientCertificateHeader(headers, this.#config, connection.info.tls)
    this.#requestId(head)
  }

  #applyOwnAddress(head: RequestHead, ip: string, tls: boolean, facts: StreamFacts): void {
    const { headers } = head
    const hops = this.#config.xffNumTrustedHops
    const trusted = hops > 0 ? nthFromRight(headers.getAll('x-forwarded-for'), hops) : undefined
    const client = trusted ?? ip
    facts.downstreamRemoteIp = client
    if (!this.#config.skipXffAppend) appendList(head, 'x-forwarded-for', this.#printable(ip))
    // A client must not choose its own scheme; only hops we were told to trust may.
    if (hops === 0) headers.set('x-forwarded-proto', tls ? 'https' : 'http')
    if (this.#isInternal(client)) {
      headers.set(this.#internalName, 'true')
      return
    }
    if (this.#prefix === '') return
    this.#removeHeaders(head, this.#edgeHeaders)
    headers.set(this.#externalName, client)
  }

  #applyTrusted(head: RequestHead, ip: string, facts: StreamFacts): void {
    const { headers } = head
    const client = nthFromRight(headers.getAll('x-forwarded-for'), this.#config.xffNumTrustedHops + 1)
    if (client !== undefined) facts.downstreamRemoteIp = client
    headers.remove(this.#internalName)
    if (this.#isInternal(client ?? ip)) headers.set(this.#internalName, 'true')
    else if (this.#prefix !== '') this.#removeHeaders(head, this.#routerHeaders)
  }

  #removeHeaders(head: RequestHead, names: ReadonlySet<string>): void {
    const { fields } = head.headers
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]
      if (name === undefined || !name.startsWith(this.#prefix) || !names.has(name)) continue
      head.headers.remove(name)
      i -= 2
    }
  }

  #isInternal(ip: string): boolean {
    if (!this.#hasInternal && !this.#config.internalAddresses.unixSockets) return false
    const version = isIP(ip)
    if (version === 0) return this.#config.internalAddresses.unixSockets && !ip.includes('.')
    return this.#hasInternal && this.#internal.check(ip, version === 6 ? 'ipv6' : 'ipv4')
  }

  #printable(ip: string): string {
    return this.#config.representIpv4AsMapped && isIP(ip) === 4 ? `::ffff:${ip}` : ip
  }

  #requestId(head: RequestHead): void {
    if (!this.#config.generateRequestId) return
    const { headers } = head
    const external = this.#config.useRemoteAddress && !headers.has(this.#internalName)
    if (headers.has('x-request-id') && (!external || this.#config.preserveExternalRequestId)) return
    headers.set('x-request-id', randomUUID())
  }
}

function appendList(head: RequestHead, name: string, value: string): void {
  const known = head.headers.getAll(name)
  head.headers.set(name, known === undefined || known === '' ? value : `${known},${value}`)
}

/** The `n`th address from the right of an X-Forwarded-For list; undefined when there is none or it is no address. */
function nthFromRight(list: string | undefined, n: number): string | undefined {
  if (list === undefined) return undefined
  const parts = list.split(',')
  const part = parts[parts.length - n]?.trim()
  return part !== undefined && isIP(part) !== 0 ? part : undefined
}
