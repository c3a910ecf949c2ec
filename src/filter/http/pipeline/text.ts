// Evaluates the texts of a pipeline: `{{ … }}` of Go templates and `$variables`, which the dialect compiled to look-ups.

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { PipelineText, PipelineTextPart, PipelineValue, TextChange } from '../../../config/model/pipeline.ts'
import { hostOf } from '../../../route/authority.ts'
import { cookieValue } from '../../../route/cookie.ts'
import { queryParameter } from '../../../route/query-test.ts'
import { pathEnd, pathOf } from '../../../route/target.ts'
import { basicCredentials } from './basic-credentials.ts'
import type { PipelineExchange } from './pipeline-exchange.ts'

/** Characters of a text that was made; the rest is cut, because look-ups can repeat what a client sent. */
const TEXT_LENGTH = 64 * 1024

/** The text for this exchange; what is not there reads as ''. */
export function textOf(text: PipelineText, exchange: PipelineExchange): string {
  let made = ''
  for (const part of text.parts) made += partOf(part, exchange)
  return made.length > TEXT_LENGTH ? made.slice(0, TEXT_LENGTH) : made
}

function partOf(part: PipelineTextPart, exchange: PipelineExchange): string {
  if (part.kind === 'text') return part.text
  let value = lookUp(part.value, exchange)
  for (const change of part.changes) value = changed(value, change)
  return value
}

function changed(value: string, change: TextChange): string {
  switch (change.kind) {
    case 'upper':
      return value.toUpperCase()
    case 'lower':
      return value.toLowerCase()
    case 'trim':
      return value.trim()
    case 'default':
      return value === '' ? change.argument : value
    case 'trim-prefix':
      return value.startsWith(change.argument) ? value.slice(change.argument.length) : value
    case 'trim-suffix':
      return value.endsWith(change.argument) ? value.slice(0, value.length - change.argument.length) : value
  }
}

function lookUp(value: PipelineValue, exchange: PipelineExchange): string {
  switch (value.kind) {
    case 'request': {
      const head = exchange.request(value.namespace)?.head
      return head === undefined ? '' : requestPart(head, value.part)
    }
    case 'request-field': {
      const head = exchange.request(value.namespace)?.head
      return head === undefined ? '' : requestField(head, value.of, value.name)
    }
    case 'response-status':
      return String(exchange.response(value.namespace)?.status ?? '')
    case 'response-header':
      return exchange.response(value.namespace)?.headers.get(value.name) ?? ''
    case 'client':
      return clientPart(exchange, value.part)
    case 'time':
      return timeText(exchange.clock.wallNow(), value.form)
  }
}

type RequestPart = Extract<PipelineValue, { kind: 'request' }>['part']

function requestPart(head: RequestHead, part: RequestPart): string {
  switch (part) {
    case 'method':
      return head.method
    case 'host':
      return head.authority
    case 'hostname':
      return hostOf(head.authority)
    case 'path':
      return pathOf(head.path)
    case 'query':
      return queryOf(head.path)
    case 'target':
      return head.path
    case 'scheme':
      return head.scheme
    case 'version':
      return head.protocol
    case 'basic-user':
      return basicCredentials(head.headers)?.user ?? ''
  }
}

const queryOf = (target: string): string => target.slice(pathEnd(target) + 1)

function requestField(head: RequestHead, of: 'header' | 'query' | 'cookie', name: string): string {
  switch (of) {
    case 'header':
      return (name === 'host' ? head.authority : head.headers.get(name)) ?? ''
    case 'query':
      return decoded(queryParameter(head.path, name) ?? '')
    case 'cookie':
      return cookieValue(head.headers, name) ?? ''
  }
}

/** Query values as Go reads them: `+` is a blank, escapes are bytes of UTF-8. A broken escape stays as it is. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    return value
  }
}

function clientPart(exchange: PipelineExchange, part: 'remote-address' | 'real-ip' | 'forwarded-for'): string {
  const { facts } = exchange.handle
  switch (part) {
    case 'remote-address':
      return facts.downstream.remote.text
    case 'real-ip':
      return facts.downstreamRemoteIp
    case 'forwarded-for': {
      const known = exchange.request('DEFAULT')?.head.headers.getAll('x-forwarded-for')
      const { ip } = facts.downstream.remote
      if (known === undefined || known === '') return ip
      // The connection manager may have appended it already (xForwardedFor).
      return known.slice(known.lastIndexOf(',') + 1).trim() === ip ? known : `${known}, ${ip}`
    }
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function timeText(wallMs: number, form: 'iso8601' | 'common-log' | 'milliseconds'): string {
  if (form === 'milliseconds') return String(Math.floor(wallMs))
  const date = new Date(wallMs)
  const iso = date.toISOString().replace(/\.\d{3}Z$/, 'Z')
  if (form === 'iso8601') return iso
  const day = iso.slice(8, 10)
  return `${day}/${MONTHS[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}:${iso.slice(11, 19)} +0000`
}
