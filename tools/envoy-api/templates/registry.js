// Envoy's messages, enums, extensions and services by name. A .proto file is decoded when something in it is first
// asked for: an ordinary configuration needs a fifth of them, and decoding all takes longer than the rest of a start.
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf'
import { nestedTypes } from '@bufbuild/protobuf/reflect'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { encodedFiles, typesOfFiles } from './descriptors.js'

const files = new Map()
const types = new Map()
const fileOfType = new Map()
for (const [path, names] of Object.entries(typesOfFiles)) {
  for (const name of names.split(' ')) fileOfType.set(name, path)
}

export function envoyFile(path) {
  let file = files.get(path)
  if (file === undefined) {
    file = decode(path)
    files.set(path, file)
    for (const type of nestedTypes(file)) types.set(type.typeName, type)
  }
  return file
}

function decode(path) {
  const encoded = encodedFiles[path]
  if (encoded === undefined) throw new Error(`no ${path} among Envoy's definitions`)
  const proto = fromBinary(FileDescriptorProtoSchema, Buffer.from(encoded, 'base64'))
  return createFileRegistry(proto, (imported) => withoutItsImports(envoyFile(imported))).getFile(path)
}

// createFileRegistry walks the imports of what it is given, again and again where they meet. The importing file sees
// only what is imported directly or passed on by a public import.
function withoutItsImports(file) {
  return { ...file, dependencies: file.proto.publicDependency.map((index) => file.dependencies[index]) }
}

function get(name) {
  const path = fileOfType.get(name)
  if (path === undefined) return undefined
  envoyFile(path)
  return types.get(name)
}

function getKind(name, kind) {
  const type = get(name)
  return type?.kind === kind ? type : undefined
}

function* all() {
  for (const name of fileOfType.keys()) yield get(name)
}

export const envoyRegistry = {
  kind: 'registry',
  [Symbol.iterator]: all,
  get,
  getMessage: (name) => getKind(name, 'message'),
  getEnum: (name) => getKind(name, 'enum'),
  getExtension: (name) => getKind(name, 'extension'),
  getService: (name) => getKind(name, 'service'),
  getExtensionFor(extendee, number) {
    for (const type of all()) {
      if (type.kind === 'extension' && type.number === number && type.extendee.typeName === extendee.typeName)
        return type
    }
    return undefined
  },
}

export const envoyTypeNames = [...fileOfType.keys()]
