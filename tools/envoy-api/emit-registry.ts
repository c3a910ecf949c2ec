// The two modules that hold all descriptors: descriptors.js, one encoded line per .proto file in dependency order, and registry.js, which
// decodes them into the registry that every other generated module takes its schemas from.
import { clone, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, type FileDescriptorProto, type FileDescriptorSet } from '@bufbuild/protobuf/wkt'

/** File name to content. `paths` are the files to hold besides google/protobuf's that they import. */
export function registryModules(set: FileDescriptorSet, paths: readonly string[]): ReadonlyMap<string, string> {
  const wanted = new Set(paths)
  const files = set.file.filter((file) => wanted.has(file.name) || isImportedWellKnown(set, wanted, file))
  const lines = files.map((file) => `  '${file.name}': '${toBase64(withoutLanguageOptions(file))}',`)
  return new Map([
    ['descriptors.js', `export const encodedFiles = {\n${lines.join('\n')}\n}\n`],
    ['descriptors.d.ts', 'export declare const encodedFiles: Readonly<Record<string, string>>\n'],
    ['registry.js', registryCode],
    ['registry.d.ts', registryTypes],
  ])
}

const registryCode = `import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { encodedFiles } from './descriptors.js'

const decode = (encoded) => fromBinary(FileDescriptorProtoSchema, Buffer.from(encoded, 'base64'))

export const envoyRegistry = createFileRegistry(create(FileDescriptorSetSchema, { file: Object.values(encodedFiles).map(decode) }))

export function envoyFile(path) {
  const file = envoyRegistry.getFile(path)
  if (file === undefined) throw new Error(\`no \${path} in the Envoy registry\`)
  return file
}
`

const registryTypes = `import type { DescFile, FileRegistry } from '@bufbuild/protobuf'

export declare const envoyRegistry: FileRegistry

export declare function envoyFile(path: string): DescFile
`

function isImportedWellKnown(set: FileDescriptorSet, wanted: ReadonlySet<string>, file: FileDescriptorProto): boolean {
  return (
    file.name.startsWith('google/protobuf/') &&
    set.file.some((importer) => wanted.has(importer.name) && importer.dependency.includes(file.name))
  )
}

/** Drops what only generators for Java, Go and others read. */
function withoutLanguageOptions(file: FileDescriptorProto): FileDescriptorProto {
  const result = clone(FileDescriptorProtoSchema, file)
  delete result.options
  return result
}

function toBase64(file: FileDescriptorProto): string {
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64')
}
