// `local_reply_config`: the operator's own words for answers that the proxy makes.

import { isFieldValue } from '../codec/header-list.ts'
import type {
  HttpConnectionManager,
  LocalReplyFormat,
  LocalReplyMapper,
} from '../config/model/http-connection-manager.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import type { BuiltReply } from './local-reply.ts'

/** Applies the mappers of a connection manager to a reply; the identity when none are configured. */
export interface LocalReplyRewriter {
  rewrite(reply: BuiltReply, facts: StreamFacts): BuiltReply
}

/** What a rewriter needs of the formatter and of log filters, compiled by the server. */
export interface ReplyTools {
  matches(mapper: LocalReplyMapper, facts: StreamFacts): boolean
  format(format: LocalReplyFormat, facts: StreamFacts): string
  headerValue(addition: LocalReplyMapper['headers'][number], facts: StreamFacts): string
}

export function localReplyRewriter(config: HttpConnectionManager, tools: ReplyTools): LocalReplyRewriter {
  const { localReplyMappers, localReplyFormat } = config
  if (localReplyMappers.length === 0 && localReplyFormat === undefined) return { rewrite: (reply) => reply }
  return {
    rewrite(reply, facts) {
      facts.responseCode = reply.head.status
      facts.localReplyBody = reply.body.toString('latin1')
      const mapper = localReplyMappers.find((candidate) => tools.matches(candidate, facts))
      if (mapper?.status !== undefined) facts.responseCode = reply.head.status = mapper.status
      if (mapper?.body !== undefined) facts.localReplyBody = mapper.body
      for (const addition of mapper?.headers ?? []) {
        // A format can carry bytes of the request, unescaped, into places they were not checked for (RFC 9110 §5.5).
        const value = tools.headerValue(addition, facts)
        if (isFieldValue(value)) reply.head.headers.set(addition.name, value)
      }
      const format = mapper?.format ?? localReplyFormat
      if (format === undefined && mapper?.body === undefined) return reply
      const text = format === undefined ? facts.localReplyBody : tools.format(format, facts)
      const body = Buffer.from(text, 'latin1')
      reply.head.headers.set('content-length', String(body.length))
      reply.head.headers.set('content-type', format?.contentType ?? 'text/plain')
      return { head: reply.head, body }
    },
  }
}
