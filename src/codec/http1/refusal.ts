// The answer to a request that is refused before it exists: status from the table of errors, a short body, and the end
// of the connection.

import { errorEntry } from '../../core/errors.ts'
import type { HeadFault } from './head-fault.ts'
import { properFieldName } from './field-names.ts'
import type { Http1ServerOptions } from './options.ts'
import { reasonPhrase } from './reason-phrases.ts'

/** The whole response to a request with `fault`; `closes`: the connection ends with it; `isHead`: without the body. */
export function writeRefusal(fault: HeadFault, options: Http1ServerOptions, closes: boolean, isHead: boolean): string {
  const { status } = errorEntry(fault.code)
  const { fields, body } = options.refusal(fault.code, fault.detail)
  const name = options.headerKeyFormat === 'proper-case' ? properFieldName : same
  let text = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`
  for (let i = 0; i < fields.length; i += 2) text += `${name(fields[i] ?? '')}: ${fields[i + 1] ?? ''}\r\n`
  text += `${name('content-length')}: ${body.length}\r\n`
  if (closes) text += `${name('connection')}: close\r\n`
  return isHead ? `${text}\r\n` : `${text}\r\n${body}`
}

const same = (name: string): string => name
