// The modules that hold all descriptors: descriptors.js, one encoded line per .proto file and one with the names of its
// types, and registry.js (from templates/), which the other generated modules take their schemas from.
import { readFileSync } from 'node:fs'
import { clone, createFileRegistry, toBinary } from '@bufbuild/protobuf'
import { nestedTypes } from '@bufbuild/protobuf/reflect'
import { FileDescriptorProtoSchema, type FileDescriptorProto, type FileDescriptorSet } from '@bufbuild/protobuf/wkt'

/** File name to content. `paths` are the files to hold besides google/protobuf's that they import. */
export function registryModules(set: FileDescriptorSet, paths: readonly string[]): ReadonlyMap<string, string> {
  const wanted = new Set(paths)
  const files = set.file
    .filter((file) => wanted.has(file.name) || isWellKnown(file))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const encoded = files.map((file) => `  '${file.name}': '${encode(file)}',\n`)
  const named = [...namesOfTypes(set, files)].map(([path, names]) => `  '${path}': '${names.join(' ')}',\n`)
  return new Map([
    [
      'descriptors.js',
      `export const encodedFiles = {\n${encoded.join('')}}\n\nexport const typesOfFiles = {\n${named.join('')}}\n`,
    ],
    [
      'descriptors.d.ts',
      `export declare const encodedFiles: Readonly<Record<string, string>>\n\nexport declare const typesOfFiles: Readonly<Record<string, string>>\n`,
    ],
    ['registry.js', readFileSync('templates/registry.js', 'utf8')],
    ['registry.d.ts', readFileSync('templates/registry.d.ts', 'utf8')],
  ])
}

/** Of these, configurations name some inside Any, as google.protobuf.Struct. */
function isWellKnown(file: FileDescriptorProto): boolean {
  return file.name.startsWith('google/protobuf/')
}

function namesOfTypes(set: FileDescriptorSet, files: readonly FileDescriptorProto[]): Map<string, string[]> {
  const registry = createFileRegistry(set)
  const result = new Map<string, string[]>()
  for (const { name } of files) {
    const file = registry.getFile(name)
    const types = file === undefined ? [] : [...nestedTypes(file)].map((type) => type.typeName)
    if (types.length > 0) result.set(name, types)
  }
  return result
}

/** Without what only generators for Java, Go and others read. */
function encode(file: FileDescriptorProto): string {
  const proto = clone(FileDescriptorProtoSchema, file)
  delete proto.options
  return Buffer.from(toBinary(FileDescriptorProtoSchema, proto)).toString('base64')
}
