// Trailers from the wire and to the wire (RFC 9112 §7.1.2, RFC 9110 §6.5.1).

import { HeaderList } from '../header-list.ts'
import { FieldSection } from './field-section.ts'
import { FAULT, type HeadFault } from './head-fault.ts'
import { latin1 } from './latin1.ts'
import { markLines } from './line-marks.ts'
import type { HeadOptions } from './options.ts'

// RFC 9110 §6.5.1: fields of framing, routing, authentication and content are not trailers; who merged them would be led
// astray. Those that a FieldSection sets apart never get here.
const FORBIDDEN = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'content-range',
  'trailer',
  'cache-control',
  'max-forwards',
  'location',
  'range',
])

/** The trailers in `bytes`, which a HeadScanner has passed, without those that may not be trailers, or what is wrong with them. */
export function parseTrailers(bytes: Buffer, options: HeadOptions): HeaderList | HeadFault {
  markLines(bytes, 0, bytes.length)
  const section = new FieldSection(options)
  const fault = section.read(bytes, 0, latin1(bytes, 0, bytes.length), 0)
  if (fault !== undefined && fault !== FAULT.underscore) return fault
  const trailers = new HeaderList()
  const { fields } = section
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    if (!FORBIDDEN.has(name)) trailers.add(name, fields[i + 1] ?? '')
  }
  return trailers
}
