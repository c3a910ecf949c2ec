// `/listeners`: names and bound addresses. Envoy: admin.v3.Listeners.

import { type Endpoint, formatOf, json, refused, text } from '../endpoint.ts'
import { addressJson } from '../address-json.ts'

export const LISTENERS: Endpoint = {
  path: '/listeners',
  summary: 'listeners with their bound addresses',
  mutates: false,
  parameters: [{ name: 'format', summary: 'one of text, json' }],
  handle({ query }, context) {
    const format = formatOf(query, ['text', 'json'])
    if (format === undefined) return refused('usage: /listeners?format=(text|json)')
    const listeners = context.listeners()
    if (format === 'text') {
      return text(
        listeners.flatMap(({ name, addresses }) => addresses.map((address) => `${name}::${address.text}\n`)).join(''),
      )
    }
    return json({
      listener_statuses: listeners.map(({ name, addresses: [own, ...additional] }) => ({
        name,
        ...(own === undefined ? {} : { local_address: addressJson(own) }),
        ...(additional.length === 0 ? {} : { additional_local_addresses: additional.map(addressJson) }),
      })),
    })
  },
}
