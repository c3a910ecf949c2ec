// Makes a request, or takes over the one of another namespace (Easegress: RequestBuilder). On an upgrade the handshake is
// kept: what is built is still the request that asks for the tunnel.

import { isToken } from '../../../codec/header-list.ts'
import { mimicsConnect } from '../../../codec/connect-target.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { PipelineFilter } from '../../../config/model/pipeline.ts'
import { isAuthority } from '../../../route/authority.ts'
import { safeTarget } from '../../../route/target.ts'
import { setMade } from './header-adaption.ts'
import type { PipelineExchange } from './pipeline-exchange.ts'
import { NEXT, result, type StepFilter } from './step.ts'
import { textOf } from './text.ts'

type RequestBuilder = Extract<PipelineFilter, { kind: 'request-builder' }>

export function requestBuilder(config: RequestBuilder): StepFilter {
  return {
    side: 'request',
    onTunnel: false,
    run(exchange, namespace) {
      if (config.source === '') return build(config, exchange, namespace) ? NEXT : BUILD_ERROR
      const source = exchange.request(config.source)
      if (source !== undefined) exchange.setRequest(namespace, source)
      return NEXT
    },
  }
}

const BUILD_ERROR = result('buildErr')

function build(config: RequestBuilder, exchange: PipelineExchange, namespace: string): boolean {
  const request = exchange.blankRequest()
  const { head } = request
  const { method, url, headers, body } = config
  if (method !== undefined && !exchange.tunnel) {
    const made = textOf(method, exchange)
    if (!isToken(made) || made === 'CONNECT' || mimicsConnect(made)) return false
    head.method = made
  }
  if (url !== undefined && !setUrl(head, textOf(url, exchange))) return false
  for (const [name, text] of headers) {
    const value = textOf(text, exchange)
    if (name.toLowerCase() !== 'host') setMade(head.headers, name.toLowerCase(), value)
    else if (isAuthority(value)) head.authority = value
  }
  if (body !== undefined && !exchange.tunnel) request.body = Buffer.from(textOf(body, exchange))
  exchange.setRequest(namespace, request)
  return true
}

/** An absolute URL or a path; `fragment` has no place in a request. */
function setUrl(head: RequestHead, text: string): boolean {
  if (text.startsWith('/')) {
    head.path = safeTarget(text.replace(/#.*$/s, ''))
    return true
  }
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || !isAuthority(url.host)) return false
  head.scheme = url.protocol.slice(0, -1)
  head.authority = url.host
  head.path = url.pathname + url.search
  return true
}
