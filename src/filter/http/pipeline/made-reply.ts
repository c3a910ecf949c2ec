// The answer of a pipeline as a local reply.

import type { LocalReply } from '../../http-filter.ts'
import { isFramingField } from '../../../codec/protected-fields.ts'
import type { PipelineResponse } from './pipeline-exchange.ts'

const NO_BODY = Buffer.alloc(0)

/** What to send for `response`; what was made of an upstream's answer keeps its fields, but not its body. */
export function replyOf({ status, headers, body, reply }: PipelineResponse): LocalReply {
  const base: LocalReply = reply ?? { code: 'direct_response', explanation: '' }
  const fields: (readonly [string, string])[] = []
  // Only 426 must name what to upgrade to (RFC 9110 §15.5.22).
  const dropped = (name: string): boolean =>
    isFramingField(name) || (REPLACED.has(name) && !(name === 'upgrade' && status === 426))
  for (const field of headers) if (!dropped(field[0])) fields.push(field)
  const made = { ...base, status, headers: fields }
  const bytes = body ?? (base.code === 'direct_response' ? NO_BODY : undefined)
  if (bytes === undefined) return made
  return { ...made, body: { bytes, contentType: headers.get('content-type') ?? base.body?.contentType ?? TEXT } }
}

const TEXT = 'text/plain; charset=utf-8'

/** Said anew, or about a hop or a body that is gone. */
const REPLACED: ReadonlySet<string> = new Set(['content-type', 'connection', 'upgrade', 'keep-alive', 'date', 'server'])
