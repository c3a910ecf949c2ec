// Files that cannot be read say why.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readNamedFile, readSource } from '../../../../src/config/source/read-file.ts'

function reason(path: string): string {
  const read = readSource({ kind: 'file', path })
  return read.kind === 'refused' ? (read.problems[0]?.message ?? '') : 'read'
}

test('what cannot be read is said in a sentence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-read-'))
  try {
    assert.match(reason(join(folder, 'none.yaml')), /cannot read the file: there is no such file/)
    assert.match(reason(folder), /it is a directory/)
    assert.match(reason('envoy.pb_text'), /Protocol Buffers files/)
    writeFileSync(join(folder, 'a.json'), '{"a": 1,}')
    assert.match(reason(join(folder, 'a.json')), /not valid JSON|comma|flow/)
    writeFileSync(join(folder, 'a.yml'), 'a: 1')
    assert.equal(reason(join(folder, 'a.yml')), 'read')
    assert.deepEqual(readNamedFile(join(folder, 'a.yml'), 2), { reason: 'it is 4 bytes long, more than the 2 allowed' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
