// Adds what newer-fields.ts lists to compiled descriptors, as if the .proto files had declared it.
import { create, fromJson, setExtension } from '@bufbuild/protobuf'
import { protoCamelCase } from '@bufbuild/protobuf/reflect'
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  DescriptorProtoSchema,
  EnumValueDescriptorProtoSchema,
  OneofDescriptorProtoSchema,
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  type FileDescriptorSet,
} from '@bufbuild/protobuf/wkt'
import { FieldRulesSchema, field as fieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js'
import { newerEnums, newerEnumValues, newerFields, newerMessages, type NewerField } from './newer-fields.ts'

const scalars = new Map([
  ['bool', Type.BOOL],
  ['bytes', Type.BYTES],
  ['string', Type.STRING],
  ['uint32', Type.UINT32],
  ['uint64', Type.UINT64],
])

interface Declared<Proto> {
  readonly proto: Proto
  readonly file: FileDescriptorProto
}

/** Everything declared so far, by full name. */
class Declarations {
  readonly files = new Map<string, FileDescriptorProto>()
  readonly messages = new Map<string, Declared<DescriptorProto>>()
  readonly enums = new Map<string, Declared<EnumDescriptorProto>>()
  readonly #set: FileDescriptorSet

  constructor(set: FileDescriptorSet) {
    this.#set = set
    for (const file of set.file) {
      this.files.set(file.name, file)
      for (const proto of file.messageType) this.#indexMessage(`${file.package}.${proto.name}`, proto, file)
      for (const proto of file.enumType) this.enums.set(`${file.package}.${proto.name}`, { proto, file })
    }
  }

  addMessage(name: string, path: string): DescriptorProto {
    const proto = create(DescriptorProtoSchema, { name: lastPart(name) })
    const parent = this.messages.get(parentOf(name))
    const file = parent?.file ?? this.#fileFor(path, parentOf(name))
    ;(parent?.proto.nestedType ?? file.messageType).push(proto)
    this.messages.set(name, { proto, file })
    return proto
  }

  addEnum(name: string, path: string, values: readonly string[]): void {
    const value = values.map((text, number) => create(EnumValueDescriptorProtoSchema, { name: text, number }))
    const proto = create(EnumDescriptorProtoSchema, { name: lastPart(name), value })
    const parent = this.messages.get(parentOf(name))
    const file = parent?.file ?? this.#fileFor(path, parentOf(name))
    ;(parent?.proto.enumType ?? file.enumType).push(proto)
    this.enums.set(name, { proto, file })
  }

  #indexMessage(name: string, proto: DescriptorProto, file: FileDescriptorProto): void {
    this.messages.set(name, { proto, file })
    for (const nested of proto.nestedType) this.#indexMessage(`${name}.${nested.name}`, nested, file)
    for (const nested of proto.enumType) this.enums.set(`${name}.${nested.name}`, { proto: nested, file })
  }

  #fileFor(path: string, packageName: string): FileDescriptorProto {
    let file = this.files.get(path)
    if (file === undefined) {
      file = create(FileDescriptorProtoSchema, { name: path, package: packageName, syntax: 'proto3' })
      this.files.set(path, file)
      this.#set.file.push(file)
    }
    return file
  }
}

/** Changes `set` in place and returns the paths of the files that it adds to it. */
export function addNewerFields(set: FileDescriptorSet): string[] {
  const known = new Set(set.file.map((file) => file.name))
  const declarations = new Declarations(set)
  // All names first: fields may refer to any of them.
  for (const { name, file, values } of newerEnums) declarations.addEnum(name, file, values)
  for (const { name, file } of newerMessages) declarations.addMessage(name, file)
  for (const { name, fields } of newerMessages) addFields(declarations, name, fields)
  for (const [name, fields] of Object.entries(newerFields)) addFields(declarations, name, fields)
  for (const [name, values] of Object.entries(newerEnumValues)) addValues(declarations, name, values)
  set.file = inDependencyOrder(declarations.files)
  return set.file.map((file) => file.name).filter((name) => !known.has(name))
}

function addFields(declarations: Declarations, name: string, fields: readonly NewerField[]): void {
  const message = declarations.messages.get(name)
  if (message === undefined) throw new Error(`newer-fields.ts: there is no message ${name}`)
  for (const field of fields) {
    const taken = message.proto.field.find(({ number }) => number === field.number)
    if (taken !== undefined) throw new Error(`newer-fields.ts: ${name} already has ${taken.name} = ${taken.number}`)
    message.proto.field.push(describeField(declarations, message, field))
  }
}

function describeField(
  declarations: Declarations,
  message: Declared<DescriptorProto>,
  { name, number, type, oneof, rules }: NewerField,
): FieldDescriptorProto {
  const repeated = type.startsWith('[]')
  const field = create(FieldDescriptorProtoSchema, {
    name,
    number,
    label: repeated ? Label.REPEATED : Label.OPTIONAL,
    jsonName: protoCamelCase(name),
  })
  setType(declarations, message.file, field, repeated ? type.slice(2) : type)
  if (oneof !== undefined) field.oneofIndex = oneofIndex(message.proto, oneof)
  if (rules !== undefined) {
    field.options = create(FieldOptionsSchema)
    setExtension(field.options, fieldRules, fromJson(FieldRulesSchema, rules))
  }
  return field
}

function setType(
  declarations: Declarations,
  file: FileDescriptorProto,
  field: FieldDescriptorProto,
  type: string,
): void {
  const scalar = scalars.get(type)
  if (scalar !== undefined) {
    field.type = scalar
    return
  }
  const message = declarations.messages.get(type)
  const declared = message ?? declarations.enums.get(type)
  if (declared === undefined) throw new Error(`newer-fields.ts: ${field.name} has the unknown type ${type}`)
  field.type = message === undefined ? Type.ENUM : Type.MESSAGE
  field.typeName = `.${type}`
  const imported = declared.file.name
  if (imported !== file.name && !file.dependency.includes(imported)) file.dependency.push(imported)
}

function oneofIndex(message: DescriptorProto, name: string): number {
  const index = message.oneofDecl.findIndex((oneof) => oneof.name === name)
  if (index !== -1) return index
  return message.oneofDecl.push(create(OneofDescriptorProtoSchema, { name })) - 1
}

function addValues(declarations: Declarations, name: string, values: Readonly<Record<string, number>>): void {
  const declared = declarations.enums.get(name)
  if (declared === undefined) throw new Error(`newer-fields.ts: there is no enum ${name}`)
  for (const [value, number] of Object.entries(values)) {
    declared.proto.value.push(create(EnumValueDescriptorProtoSchema, { name: value, number }))
  }
}

/** Readers of a descriptor set want every file after those it imports. */
function inDependencyOrder(files: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>()
  const open = new Set<string>()
  const visit = (path: string): void => {
    const file = files.get(path)
    if (file === undefined || ordered.has(file)) return
    if (open.has(path)) throw new Error(`newer-fields.ts makes ${path} import itself`)
    open.add(path)
    file.dependency.forEach(visit)
    ordered.add(file)
  }
  for (const path of files.keys()) visit(path)
  return [...ordered]
}

function parentOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'))
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
