// Builds the answers that the proxy makes itself: status from the error table, a reason header, and a body of one or two
// sentences that say what happened and where in the configuration it was decided.

import { errorEntry } from '../core/errors.ts'
import { HeaderList } from '../codec/header-list.ts'
import type { ResponseHead } from '../codec/http-stream.ts'
import { placeHint } from '../config/model/place.ts'
import type { LocalReply } from '../filter/http-filter.ts'

/** Header that names the cause and the place; `error; at="file:line"; detail="…"`. */
export const REASON_HEADER = 'x-sluice-reason'

/** A local reply made ready to send. */
export interface BuiltReply {
  readonly head: ResponseHead
  readonly body: Buffer
}

/** The message a local reply becomes before `local_reply_config` and the response headers of the route are applied. */
export function buildLocalReply(reply: LocalReply): BuiltReply {
  const entry = errorEntry(reply.code)
  const status = reply.status ?? (entry.status === 0 ? 503 : entry.status)
  const headers = new HeaderList()
  // RFC 9110 §8.6, §15.4.5: these have neither a body nor a length.
  const bodiless = status === 204 || status === 304
  const body = bodiless ? NO_BODY : (reply.body?.bytes ?? Buffer.from(bodyText(reply)))
  if (body.length > 0) headers.add('content-type', reply.body?.contentType ?? 'text/plain')
  if (!bodiless) headers.add('content-length', String(body.length))
  for (const [name, value] of reply.headers ?? []) headers.add(name, value)
  if (reply.code !== 'direct_response') headers.add(REASON_HEADER, reasonValue(reply))
  if (reply.code === 'upstream_overflow') headers.add('x-envoy-overloaded', 'true')
  return { head: { status, reason: '', headers }, body }
}

const NO_BODY = Buffer.alloc(0)

/** The value of the reason header, safe as a field value. */
export function reasonValue(reply: LocalReply): string {
  const at = reply.place === undefined || reply.place.file === 'default' ? '' : `; at="${placeHint(reply.place)}"`
  return `${reply.code}${at}; detail="${fieldSafe(reply.explanation)}"`
}

function bodyText(reply: LocalReply): string {
  const { summary } = errorEntry(reply.code)
  const at = reply.place === undefined || reply.place.file === 'default' ? '' : ` [${placeHint(reply.place)}]`
  return `${summary} ${sentence(reply.explanation)}${at}\n`.replace('  ', ' ')
}

const sentence = (text: string): string =>
  text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`

const fieldSafe = (text: string): string =>
  text
    .replace(/["\\]/g, "'")
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 400)
