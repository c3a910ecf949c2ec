import { readFileSync } from 'node:fs'
import { fromBinary, createFileRegistry, getExtension, hasExtension, toJson } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
const b = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync('/tmp/new/new.binpb')))
const ext=b.getExtension('validate.rules')
for (const name of process.argv.slice(2)) {
  const m=b.get('envoy.'+name); if(!m){console.log('NONE',name);continue}
  console.log(m.kind, m.typeName, m.file.name)
  if(m.kind==='enum') console.log('  ', m.values.map(v=>v.name+'='+v.number).join(' '))
  else for (const f of m.fields) console.log('  ', f.number, f.name, f.fieldKind, f.message?.typeName??f.enum?.typeName??f.scalar, f.oneof?.name??'', f.proto.options && hasExtension(f.proto.options, ext) ? JSON.stringify(toJson(b.getMessage('validate.FieldRules'), getExtension(f.proto.options, ext))) : '')
}
