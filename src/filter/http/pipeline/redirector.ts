// Sends the client elsewhere when an expression changes its URL (Easegress: Redirector). Its result ends the pipeline; a URL
// that the expression leaves as it is goes on.

import { HeaderList, isFieldValue } from '../../../codec/header-list.ts'
import type { RequestHead } from '../../../codec/http-stream.ts'
import type { PipelineFilter } from '../../../config/model/pipeline.ts'
import { pathOf } from '../../../route/target.ts'
import { NEXT, result, type StepFilter } from './step.ts'

type Redirector = Extract<PipelineFilter, { kind: 'redirector' }>

export function redirector(config: Redirector): StepFilter {
  return {
    side: 'both',
    onTunnel: false,
    run(exchange, namespace) {
      const head = exchange.request(namespace)?.head
      if (head === undefined) return NEXT
      const matched = matchedPart(head, config.matchPart)
      const replaced = config.regex.replaceAll(matched, config.replacement)
      const location = config.matchPart === 'full' ? replaced : onThisHost(replaced, config.replacement)
      // A Location is made of the client's URL: what no field may carry goes nowhere (RFC 9110 §5.5).
      if (location === matched || !isFieldValue(location)) return NEXT
      const body = Buffer.from(PHRASES.get(config.status) ?? '')
      const headers = new HeaderList(['location', location])
      const reply = { code: 'direct_response', explanation: '' } as const
      exchange.setResponse(namespace, { status: config.status, headers, body, reply })
      return result('redirected')
    },
  }
}

/**
 * The client writes the path: one that begins with two slashes, or what browsers take for them (WHATWG URL §4.4), would name
 * a host to go to. Only the configuration may do so.
 */
const onThisHost = (location: string, replacement: string): string =>
  /^\/[/\\]/.test(replacement) ? location : location.replace(/^\/[/\\\t]+/, '/')

const PHRASES: ReadonlyMap<number, string> = new Map([
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
])

function matchedPart(head: RequestHead, part: Redirector['matchPart']): string {
  switch (part) {
    case 'uri':
      return head.path
    case 'path':
      return pathOf(head.path)
    case 'full':
      return `${head.scheme}://${head.authority}${head.path}`
  }
}
