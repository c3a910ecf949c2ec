// Renders docs/envoy-support.md: for every message of Envoy's API that Sluice reads, which fields count, which are
// accepted without effect and why, and which are refused. The verdicts come from src/config/envoy/supported.ts.
import type { DescMessage } from '@bufbuild/protobuf'
import { envoyRegistry, envoyTypeNames } from '#envoy/registry.js'
import { SUPPORTED, type FieldSupport, type MessageSupport } from '../src/config/envoy/supported.ts'

export function envoySupportPage(): string {
  const sections = [...SUPPORTED].map(([name, support]) => section(name, support))
  return `# What Sluice takes from Envoy's configuration

Made by \`npm run docs\` from \`src/config/envoy/supported.ts\`; do not edit.

Sluice knows all ${envoyTypeNames.filter((name) => name.startsWith('envoy.')).length} types of Envoy's v3 API, so that it can tell a misspelt field from one that Envoy
has and Sluice does not support. It reads the ${SUPPORTED.size} messages below. Every other message, and every field listed as
refused, is an error that names it.

${sections.join('\n')}`
}

function section(name: string, support: MessageSupport): string {
  const message = envoyRegistry.getMessage(name)
  if (message === undefined) throw new Error(`supported.ts names ${name}, which Envoy does not have`)
  rejectUnknownFields(message, support)
  const withEffect = [...support]
    .filter(([, { kind }]) => kind === 'supported')
    .map(([field, how]) => supported(field, how))
  const without = [...support].flatMap(([field, how]) =>
    how.kind === 'no-effect' ? [`  * \`${field}\`: ${how.why}`] : [],
  )
  const refused = message.fields
    .filter(({ name: field }) => !support.has(field))
    .map(({ name: field }) => `\`${field}\``)
  const lines = [
    ...(withEffect.length > 0 ? [`* Supported: ${withEffect.join(', ')}`] : []),
    ...(without.length > 0 ? ['* Accepted without effect:', ...without] : []),
    ...(refused.length > 0 ? [`* Refused: ${refused.join(', ')}`] : []),
    ...(message.fields.length === 0 ? ['* Supported; it has no fields.'] : []),
  ]
  return `## ${name}\n\n${lines.join('\n')}\n`
}

function supported(field: string, how: FieldSupport): string {
  const only = how.kind === 'supported' ? how.only : undefined
  return only === undefined ? `\`${field}\`` : `\`${field}\` (only ${only.join(', ')})`
}

function rejectUnknownFields(message: DescMessage, support: MessageSupport): void {
  for (const field of support.keys()) {
    if (!message.fields.some(({ name }) => name === field)) {
      throw new Error(`supported.ts names ${message.typeName}.${field}, which Envoy does not have`)
    }
  }
}
