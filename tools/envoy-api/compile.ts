// Compiles .proto files to descriptors with buf, without comments or positions.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema, type FileDescriptorSet } from '@bufbuild/protobuf/wkt'

/** The descriptors of all files in `folder`, imports included. Throws with the compiler's words when they are wrong. */
export function compile(folder: string): FileDescriptorSet {
  writeFileSync(join(folder, 'buf.yaml'), 'version: v2\n')
  const image = join(folder, 'image.binpb')
  const { status, stderr } = spawnSync(
    'node_modules/.bin/buf',
    ['build', folder, '-o', image, '--exclude-source-info'],
    {
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(`buf build failed:\n${stderr}`)
  return fromBinary(FileDescriptorSetSchema, readFileSync(image))
}
