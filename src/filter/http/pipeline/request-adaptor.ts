// Changes the request before it goes up (Easegress: RequestAdaptor; rewriteTarget and setHeaders of an HTTPServer).

import { isToken } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import { mimicsConnect } from '../../../codec/connect-target.ts'
import type { PathAdaption, PipelineFilter } from '../../../config/model/pipeline.ts'
import { isAuthority } from '../../../route/authority.ts'
import { pathEnd, safeTarget } from '../../../route/target.ts'
import { adaptHeaders } from './header-adaption.ts'
import { NEXT, result, type StepFilter } from './step.ts'
import { textOf } from './text.ts'

type RequestAdaptor = Extract<PipelineFilter, { kind: 'request-adaptor' }>

export function requestAdaptor(config: RequestAdaptor): StepFilter {
  return {
    side: 'request',
    onTunnel: false,
    run(exchange, namespace) {
      const request = exchange.request(namespace)
      if (request === undefined) return result('requestNotFound')
      const { head } = request
      const { method, host, path, body } = config
      // A tunnel's handshake is a GET, and what follows it is no body.
      if (method !== undefined && !exchange.tunnel) setMethod(head, textOf(method, exchange))
      if (path !== undefined) adaptPath(head, path)
      adaptHeaders(head.headers, config.headers, exchange)
      if (body !== undefined && !exchange.tunnel) request.body = Buffer.from(textOf(body, exchange))
      if (host !== undefined) setHost(head, textOf(host, exchange))
      return NEXT
    },
  }
}

function setMethod(head: RequestHead, method: string): void {
  if (isToken(method) && method !== 'CONNECT' && !mimicsConnect(method)) head.method = method
}

function setHost(head: RequestHead, host: string): void {
  if (isAuthority(host)) head.authority = host
}

/** The path without its query, which stays. */
function adaptPath(head: RequestHead, adaption: PathAdaption): void {
  if (head.path === '') return
  const end = pathEnd(head.path)
  head.path = safeTarget(adaptedPath(head.path.slice(0, end), adaption) + head.path.slice(end))
}

/** What a path becomes. */
export function adaptedPath(path: string, adaption: PathAdaption): string {
  switch (adaption.kind) {
    case 'set':
      return escaped(adaption.value)
    case 'add-prefix':
      return escaped(adaption.value) + path
    case 'trim-prefix':
      return path.startsWith(adaption.value) ? path.slice(adaption.value.length) : path
    case 'replace-prefix':
      return path.startsWith(adaption.prefix) ? escaped(adaption.value) + path.slice(adaption.prefix.length) : path
    case 'regexp':
      return escaped(adaption.regex.replaceAll(path, adaption.substitution))
  }
}

/** It is a path and nothing else: a `?` or `#` in it would start a query. */
const escaped = (path: string): string => path.replaceAll('?', '%3F').replaceAll('#', '%23')
