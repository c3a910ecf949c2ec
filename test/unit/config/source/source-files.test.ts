import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { sourceFiles } from '../../../../src/config/source/source-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-files-'))
after(() => rmSync(folder, { recursive: true }))

const put = (path: string): void => {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), 'a: 1\n')
}

const found = (path: string): readonly string[] =>
  sourceFiles(path).sources.map((source) => (source.kind === 'file' ? relative(folder, source.path) : source.name))

test('a folder is read to the bottom in the order of names, without hidden files, backups and other kinds', () => {
  for (const path of ['all/b.yaml', 'all/a.yml', 'all/c/d.json', 'all/.hidden.yaml', 'all/e.yaml~', 'all/notes.txt'])
    put(path)
  assert.deepEqual(found(join(folder, 'all')), ['all/a.yml', 'all/b.yaml', 'all/c/d.json'])
})

test('a mounted ConfigMap is read once, through its links', () => {
  put('mount/..2026/gateway.yaml')
  symlinkSync('..2026', join(folder, 'mount/..data'))
  symlinkSync('..data/gateway.yaml', join(folder, 'mount/gateway.yaml'))
  assert.deepEqual(found(join(folder, 'mount')), ['mount/gateway.yaml'])
})

test('a file is named whether or not it exists', () => {
  assert.deepEqual(found(join(folder, 'nowhere.yaml')), ['nowhere.yaml'])
})

test('a folder without configuration is a problem that names it', () => {
  mkdirSync(join(folder, 'empty'))
  const { sources, problems } = sourceFiles(join(folder, 'empty'))
  assert.deepEqual(sources, [])
  assert.match(problems[0]?.message ?? '', /holds no \.yaml, \.yml or \.json file/)
})
