// Removes, sets and adds fields as an adaptor says (Easegress: header of RequestAdaptor and ResponseAdaptor). The fields
// of a handshake and those that frame a body stay as they are.

import { type HeaderList, isFieldName, isFieldValue } from '../../../codec/header-list.ts'
import { isFramingField, isHandshake, isHandshakeField } from '../../../codec/protected-fields.ts'
import type { HeaderAdaption } from '../../../config/model/pipeline.ts'
import type { PipelineExchange } from './pipeline-exchange.ts'
import { textOf } from './text.ts'

export function adaptHeaders(headers: HeaderList, adaption: HeaderAdaption, exchange: PipelineExchange): void {
  const handshake = isHandshake(headers)
  for (const name of adaption.remove) if (mayChange(name, handshake)) headers.remove(name)
  for (const [name, text] of adaption.set) setMade(headers, name, textOf(text, exchange), handshake)
  for (const [name, text] of adaption.add) {
    const value = textOf(text, exchange)
    if (mayChange(name, handshake) && isFieldValue(value)) headers.add(name, value)
  }
}

/**
 * Sets a field whose value a template made, if it may be one (RFC 9110 §5.5). If not the field goes: what a client wrote
 * itself must not pass for what the proxy was to say.
 */
export function setMade(headers: HeaderList, name: string, value: string, handshake = isHandshake(headers)): void {
  if (!mayChange(name, handshake) || !isFieldName(name)) return
  if (isFieldValue(value)) headers.set(name, value)
  else headers.remove(name)
}

/** `host` lives in the head: a second one would be a smuggling tool. */
const mayChange = (name: string, handshake: boolean): boolean =>
  name !== 'host' && !name.startsWith(':') && !isFramingField(name) && !(handshake && isHandshakeField(name))
