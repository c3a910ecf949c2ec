// Dynamic forward proxy filter: holds a request for a dynamic-forward-proxy cluster until the host it names is in the DNS
// cache, where the cluster finds it (Envoy: envoy.filters.http.dynamic_forward_proxy). Requests for others pass.

import type { DnsCache, LookupTicket } from '../../../cluster/dns-cache/dns-cache.ts'
import type { LookupFailure, NameWaiter } from '../../../cluster/dns-cache/waiting.ts'
import { readTarget, type Target, targetFrom } from '../../../cluster/target.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { HttpFilterConfig } from '../../../config/model/http-filter.ts'
import { printable } from '../../../core/printable.ts'
import { PAUSE } from '../../../transport/byte-stream.ts'
import type { DataVerdict, ExchangeHandle, HeadVerdict, HttpFilter, HttpFilterFactory } from '../../http-filter.ts'
import { forwardCluster, type ForwardCluster } from './forward-cluster.ts'
import { rewriteTarget } from './rewrite-target.ts'

export type DynamicForwardProxyConfig = Extract<HttpFilterConfig, { kind: 'dynamic-forward-proxy' }>

export interface DynamicForwardProxyTools {
  /** undefined = the filter has no cache and lets everything pass. */
  readonly cache: DnsCache | undefined
  cluster(name: string): ForwardCluster | undefined
}

/** Makes the filter; a per-route override brings a host to look up instead of the request's. */
export function dynamicForwardProxyFilter(
  config: DynamicForwardProxyConfig,
  tools: DynamicForwardProxyTools,
): HttpFilterFactory {
  return {
    name: config.name,
    kind: 'dynamic-forward-proxy',
    disabled: config.disabled,
    create: (handle, override) =>
      new DynamicForwardProxy(handle, override?.kind === 'dynamic-forward-proxy' ? override : undefined, config, tools),
  }
}

class DynamicForwardProxy implements HttpFilter, NameWaiter {
  readonly #handle: ExchangeHandle
  readonly #override: DynamicForwardProxyConfig | undefined
  readonly #config: DynamicForwardProxyConfig
  readonly #tools: DynamicForwardProxyTools
  #ticket: LookupTicket | undefined
  #target = ''
  #paused = false

  constructor(
    handle: ExchangeHandle,
    override: DynamicForwardProxyConfig | undefined,
    config: DynamicForwardProxyConfig,
    tools: DynamicForwardProxyTools,
  ) {
    this.#handle = handle
    this.#override = override
    this.#config = config
    this.#tools = tools
  }

  onRequestHead(head: RequestHead, endStream: boolean): HeadVerdict {
    const { cache } = this.#tools
    const upstream = forwardCluster(this.#handle.selected, head, this.#tools)
    if (cache === undefined || upstream === undefined) return 'continue'
    if (this.#override !== undefined) rewriteTarget(head, this.#override)
    const text = targetFrom(upstream.cluster, head) ?? ''
    const target = readTarget(text)
    if (target.kind === 'invalid') return this.#refuseText(text, target.reason)
    const refusal = upstream.runtime.refusalOf(target)
    if (refusal !== undefined) return this.#refuseTarget(refusal, upstream)
    return this.#lookUp(target, cache, endStream || head.tunnel !== undefined)
  }

  onRequestData(): DataVerdict {
    return 'buffer'
  }

  onResolved(): void {
    this.#ticket = undefined
    this.#resume()
    this.#handle.continueRequest()
  }

  onLookupFailed(failure: LookupFailure): void {
    this.#ticket = undefined
    this.#resume()
    this.#fail(failure)
  }

  onDestroy(): void {
    this.#ticket?.cancel()
    this.#ticket = undefined
  }

  #lookUp({ host, text }: Target, cache: DnsCache, bodyless: boolean): HeadVerdict {
    if (host.kind === 'ip') return 'continue'
    this.#target = text
    const lookup = cache.lookup(host.name, this)
    switch (lookup.kind) {
      case 'resolved':
        return 'continue'
      case 'failed':
        this.#fail(lookup.failure)
        return 'stop'
      case 'waiting':
        this.#ticket = lookup.ticket
        if (!bodyless) this.#pause()
        return 'stop'
    }
  }

  /** The body waits at the client, not here. */
  #pause(): void {
    this.#paused = true
    this.#handle.stream.pauseReading(PAUSE.filter)
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#handle.stream.resumeReading(PAUSE.filter)
  }

  #refuseText(text: string, reason: string): HeadVerdict {
    this.#handle.sendLocalReply({
      code: 'invalid_authority',
      explanation: `the host "${printable(text.slice(0, SHOWN))}" ${reason}`,
      place: this.#config.place,
    })
    return 'stop'
  }

  #refuseTarget(explanation: string, { cluster }: ForwardCluster): HeadVerdict {
    const place = cluster.targetPolicy?.place ?? cluster.place
    this.#handle.sendLocalReply({ code: 'target_not_allowed', explanation, place })
    return 'stop'
  }

  #fail({ kind, reason }: LookupFailure): void {
    const { place } = this.#config
    if (kind === 'hosts-overflow' || kind === 'pending-overflow') {
      const details =
        kind === 'hosts-overflow' ? 'dns_cache_overflow' : 'dynamic_forward_proxy_pending_request_overflow'
      const explanation = `the name of ${this.#target} cannot be looked up: ${reason}`
      this.#handle.sendLocalReply({ code: 'dns_cache_overflow', details, explanation, place })
      return
    }
    this.#handle.sendLocalReply({
      code: 'target_name_unresolved',
      details: `dns_resolution_failure{${reason}}`,
      explanation: `looking up the name of ${this.#target} failed: ${reason}`,
      place,
    })
  }
}

/** Characters of a bad host that its explanation shows. */
const SHOWN = 100
