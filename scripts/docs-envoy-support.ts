// Renders docs/envoy-support.md: every field of Envoy's messages in scope as supported, accepted without effect, or
// refused, from the descriptors and the table of supported fields, and the command operators of format strings.

import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { envoyRegistry } from '#envoy/registry.js'
import { SUPPORTED, type MessageSupport } from '../src/config/envoy/supported.ts'
import {
  OPERATORS,
  OPERATOR_ALIASES,
  OWN_OPERATORS,
  UNSUPPORTED_OPERATORS,
} from '../src/config/model/format-operators.ts'

const INTRODUCTION = `# Envoy fields that Sluice takes

Made by \`npm run docs\` from the code; do not edit. Each table is a message of Envoy's v3 API.

* **supported**: does what it does in Envoy. Where only some values are taken, they are listed.
* *accepted, no effect*: leaving it out would change nothing that Sluice does; the reason is given.
* refused: Envoy has it and Sluice does not yet. A configuration that sets it is refused with the place of the field.

A message that has no table here is refused as a whole. A field of no message at all is refused as unknown, with the
nearest name, unless \`--allow-unknown-static-fields\` is given.

## What Sluice adds

| field | meaning |
|---|---|
| \`filters\` in an entry of a route's \`upgrade_configs\` | HTTP filters for this upgrade type on this route, in place of the connection manager's; a list of \`HttpFilter\` that ends in the router |
| \`use_websocket\` in a \`route\` | of the first generation of Envoy: an upgrade of type websocket on that route. Deprecated, with a warning |
| \`sluice.target_policy\` in a cluster's \`metadata.typed_filter_metadata\` | a \`sluice.v1.TargetPolicy\`: which targets the cluster may dial when clients name them. Loopback, link-local, private and reserved addresses and this proxy's own listeners are refused unless \`allow\` lists them |
| \`sluice.v1.HttpProxyTransport\` as a cluster's transport socket | as Envoy's \`http_11_proxy\`, with the proxy's address, credentials, header fields and TLS to the proxy itself |

What a TCP proxy or a UDP proxy names as its cluster must be a cluster of the file: Envoy loads such a configuration and
closes each connection.
`

/** The whole page. */
export function envoySupportPage(): string {
  const tables = [...SUPPORTED]
    .map(([name, support]) => ({ message: envoyRegistry.getMessage(name), support }))
    .filter((row): row is { message: DescMessage; support: MessageSupport } => row.message !== undefined)
    .map(({ message, support }) => table(message, support))
  return `${INTRODUCTION}\n${operators()}\n## Messages\n\n${tables.join('\n')}`
}

function operators(): string {
  const names = (list: Iterable<string>): string => [...list].map((name) => `\`${name}\``).join(' ')
  const own = new Set(OWN_OPERATORS)
  const short = [...OPERATOR_ALIASES].map(([alias, name]) => `\`${alias}\` = \`${name}\``).join(', ')
  return `## Command operators of format strings

Envoy's: ${names([...OPERATORS.keys()].filter((name) => !own.has(name)))}

Short names: ${short}

Sluice's own: ${names(OWN_OPERATORS)}

Refused: ${names(UNSUPPORTED_OPERATORS)}
`
}

function table(message: DescMessage, support: MessageSupport): string {
  const rows = [...message.fields]
    .sort((a, b) => a.number - b.number)
    .map((field) => `| \`${field.name}\` | ${state(field, support)} |`)
  if (rows.length === 0) return `### ${message.typeName}\n\nSupported; it has no fields.\n`
  return [`### ${message.typeName}`, '', '| field | |', '|---|---|', ...rows, ''].join('\n')
}

function state(field: DescField, support: MessageSupport): string {
  const found = support.get(field.name)
  if (found === undefined) return 'refused'
  if (found.kind === 'refused') return `refused: ${found.hint}`
  if (found.kind === 'no-effect') return `*accepted, no effect*: ${found.why}`
  return found.only === undefined
    ? '**supported**'
    : `**supported**: ${found.only.map((value) => `\`${value}\``).join(', ')} only`
}
