// Generates gen/envoy: Envoy's v3 API as JavaScript with type declarations, and a registry of all its messages.
// Run it with `npm run generate` in this folder; docs/dependencies.md tells when and why.
import { addNewerFields } from './add-newer-fields.ts'
import { collectProtoSources } from './proto-sources.ts'
import { compile } from './compile.ts'
import { convertRules } from './convert-rules.ts'
import { emit } from './emit.ts'

const target = '../../gen/envoy'
const report = (line: string): void => console.log(line)

const wanted = collectProtoSources('.build', report)
const descriptors = compile('.build')
report(`compiled: ${wanted.length} files`)

const added = addNewerFields(descriptors)
report(`added what newer-fields.ts lists; new files: ${added.join(' ')}`)

const rules = convertRules(descriptors)
report(`converted: ${rules.fields} field rules, ${rules.oneofs} required oneofs`)

const written = emit(descriptors, [...wanted, ...added], target)
report(`wrote: ${written.files} files, ${(written.bytes / 1e6).toFixed(2)} MB, to ${target}`)
