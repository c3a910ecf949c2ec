// Rewrites the protoc-gen-validate rules in a set of file descriptors to protovalidate rules, which the library that
// Sluice uses at run time enforces. Three kinds of rule mean something else there; each is handled where it says so.
import {
  clearExtension,
  createFileRegistry,
  fromJson,
  getExtension,
  hasExtension,
  isFieldSet,
  isMessage,
  setExtension,
  toJson,
  type DescExtension,
  type FileRegistry,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf'
import {
  FieldDescriptorProtoSchema,
  type DescriptorProto,
  type FieldDescriptorProto,
  type FieldOptions,
  type FileDescriptorProto,
  type FileDescriptorSet,
  type OneofDescriptorProto,
} from '@bufbuild/protobuf/wkt'
import {
  FieldRulesSchema,
  OneofRulesSchema,
  field as fieldRules,
  oneof as oneofRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js'

/** How many rules were rewritten, for the generator's report. */
export interface RuleCounts {
  fields: number
  oneofs: number
}

/** Changes `set` in place. Throws when a rule has no counterpart. */
export function convertRules(set: FileDescriptorSet): RuleCounts {
  const extensions = readExtensions(createFileRegistry(set))
  const counts: RuleCounts = { fields: 0, oneofs: 0 }
  for (const file of set.file) {
    if (file.package === 'validate') continue
    for (const message of file.messageType) convertMessage(message, extensions, counts)
    dropValidateImport(file)
  }
  return counts
}

/** `publicDependency` holds positions in `dependency`, so both change. */
function dropValidateImport(file: FileDescriptorProto): void {
  const position = file.dependency.indexOf('validate/validate.proto')
  if (position === -1) return
  file.dependency.splice(position, 1)
  file.publicDependency = file.publicDependency.map((index) => (index > position ? index - 1 : index))
}

interface Extensions {
  readonly registry: FileRegistry
  readonly field: DescExtension
  readonly oneof: DescExtension
  readonly message: DescExtension
}

function readExtensions(registry: FileRegistry): Extensions {
  const read = (name: string): DescExtension => {
    const extension = registry.getExtension(name)
    if (extension === undefined) throw new Error(`no extension ${name}`)
    return extension
  }
  return {
    registry,
    field: read('validate.rules'),
    oneof: read('validate.required'),
    message: read('validate.disabled'),
  }
}

function convertMessage(message: DescriptorProto, extensions: Extensions, counts: RuleCounts): void {
  if (message.options !== undefined) clearExtension(message.options, extensions.message)
  for (const field of message.field) {
    if (field.options !== undefined) counts.fields += convertField(field, field.options, extensions)
  }
  for (const oneof of message.oneofDecl) counts.oneofs += convertOneof(oneof, extensions)
  for (const nested of message.nestedType) convertMessage(nested, extensions, counts)
}

function convertField(field: FieldDescriptorProto, options: FieldOptions, extensions: Extensions): number {
  if (!hasExtension(options, extensions.field)) return 0
  const rules = pgvRulesAsJson(options, extensions)
  clearExtension(options, extensions.field)
  const converted = convertFieldRules(rules)
  // On a member of a oneof PGV demands a value only when that member is the one set; protovalidate would always.
  if (isMemberOfOneof(field)) delete converted['required']
  setExtension(options, fieldRules, fromJson(FieldRulesSchema, converted))
  return 1
}

/** `optional` fields of proto3 lie in a oneof of their own, which is none to a reader. */
function isMemberOfOneof(field: FieldDescriptorProto): boolean {
  return !field.proto3Optional && isFieldSet(field, FieldDescriptorProtoSchema.field.oneofIndex)
}

function convertOneof(oneof: OneofDescriptorProto, { oneof: required }: Extensions): number {
  const { options } = oneof
  if (options === undefined || !hasExtension(options, required)) return 0
  const isRequired = getExtension(options, required) === true
  clearExtension(options, required)
  if (!isRequired) return 0
  setExtension(options, oneofRules, fromJson(OneofRulesSchema, { required: true }))
  return 1
}

function pgvRulesAsJson(options: FieldOptions, { registry, field }: Extensions): JsonObject {
  const schema = registry.getMessage('validate.FieldRules')
  const value: unknown = getExtension(options, field)
  if (schema === undefined || !isMessage(value, schema)) throw new Error('no validate.FieldRules')
  return asObject(toJson(schema, value))
}

/** JSON of validate.FieldRules to JSON of buf.validate.FieldRules. */
function convertFieldRules(rules: JsonObject): JsonObject {
  const result: JsonObject = {}
  for (const [kind, value] of Object.entries(rules)) {
    const { required, skip, ignoreEmpty, ...rest } = asObject(value)
    if (required === true) result['required'] = true
    if (skip === true) result['ignore'] = 'IGNORE_ALWAYS'
    if (ignoreEmpty === true) result['ignore'] = 'IGNORE_IF_ZERO_VALUE'
    if (kind === 'message' || Object.keys(rest).length === 0) continue
    result[kind] = kind === 'string' ? convertStringRules(rest) : convertNestedRules(rest)
  }
  return result
}

function convertNestedRules(rules: JsonObject): JsonObject {
  const result = { ...rules }
  for (const key of ['items', 'keys', 'values']) {
    if (result[key] !== undefined) result[key] = convertFieldRules(asObject(result[key]))
  }
  delete result['noSparse'] // A map of a proto3 file cannot hold an absent message.
  return result
}

function convertStringRules({ wellKnownRegex, strict, ...rest }: JsonObject): JsonObject {
  if (typeof wellKnownRegex !== 'string') return rest
  // PGV lets an empty name pass when it is not strict; protovalidate never does.
  if (wellKnownRegex === 'HTTP_HEADER_NAME' && strict === false) return { ...rest, pattern: '^[^\\x00\\n\\r]*$' }
  return { ...rest, wellKnownRegex: `KNOWN_REGEX_${wellKnownRegex}`, ...(strict === undefined ? {} : { strict }) }
}

function asObject(value: JsonValue | undefined): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('expected a JSON object')
  return value
}
