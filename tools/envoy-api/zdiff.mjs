import { readFileSync } from 'node:fs'
import { fromBinary, createFileRegistry, getExtension, hasExtension, toJson } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
const load = f => createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(f)))
const a = load('.build/image.binpb'), b = load('/tmp/new/new.binpb')
const ext=b.getExtension('validate.rules')
const newT = new Set()
let n=0
for (const m of b) {
  if (m.kind==='enum') { const o=a.getEnum(m.typeName); if(!o) { newT.add('enum '+m.typeName); continue }
    for (const v of m.values) if (!o.values.find(x=>x.number===v.number)) console.log('VALUE', m.typeName, v.name, v.number); continue }
  if (m.kind!=='message') continue
  if (!m.typeName.startsWith('envoy.')) continue
  const o=a.getMessage(m.typeName)
  if(!o){ newT.add('msg '+m.typeName); continue }
  for (const f of m.fields) { const of=o.fields.find(x=>x.number===f.number); if(of) { if(of.name!==f.name) console.log('RENAMED', m.typeName, of.name, f.name); continue}
    n++
    const rule = f.proto.options && hasExtension(f.proto.options, ext) ? JSON.stringify(toJson(b.getMessage('validate.FieldRules'), getExtension(f.proto.options, ext))) : ''
    const t = f.fieldKind==='scalar'?'scalar'+f.scalar : f.fieldKind==='message'? f.message.typeName : f.fieldKind==='enum'?f.enum.typeName : f.fieldKind==='list'? '[]'+(f.message?.typeName??f.enum?.typeName??'scalar'+f.scalar) : 'map:'+f.mapKind+(f.message?.typeName??f.scalar)
    console.log(m.typeName.replace('envoy.',''), f.number, f.name, t, f.oneof?'oneof:'+f.oneof.name:'', f.proto.proto3Optional?'optional':'', f.deprecated?'DEPR':'', rule)
  }
}
console.log(n, 'fields'); console.log([...newT].filter(t=>t.includes('envoy.')&&!t.includes('Entry')).join('\n'))
