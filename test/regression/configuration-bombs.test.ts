// Configurations that took for ever to read: folders that link to themselves were read as often as there are ways through
// the links; each document of a file could expand its aliases to the limit of the whole file; a template with many quotes of
// which none is closed was searched from each of them to its end.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { compileTemplate } from '../../src/config/easegress/go-template.ts'
import { MAX_NODES } from '../../src/config/source/parse-text.ts'
import { readDocuments } from '../../src/config/source/read-file.ts'
import { sourceFiles } from '../../src/config/source/source-files.ts'

test('a folder that links lead to is read once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-loop-'))
  try {
    mkdirSync(join(folder, 'a'))
    writeFileSync(join(folder, 'a', 'one.yaml'), 'a: 1\n')
    for (const name of ['x', 'y', 'z']) symlinkSync('..', join(folder, 'a', name))
    const { sources, problems } = sourceFiles(folder)
    assert.deepEqual(problems, [])
    assert.equal(sources.length, 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the documents of a file share what aliases may expand to', () => {
  const bomb = ['a: &a [1, 1, 1, 1, 1, 1, 1, 1]']
  for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe']) bomb.push(`${name}: &${name} [${`*${of}, `.repeat(8)}]`)
  const text = `${bomb.join('\n')}\n---\n`.repeat(40)
  const documents = readDocuments({ kind: 'text', name: 'bomb.yaml', text })
  const trees = documents.filter(({ kind }) => kind === 'tree').length
  // One document of these has more than 250,000 nodes.
  assert.ok(trees > 0 && trees * 250_000 < MAX_NODES, `${trees} of ${documents.length} documents were expanded`)
})

test('quotes that nobody closes are refused in one pass', () => {
  const scope = { namespace: 'DEFAULT', data: {}, leftDelimiter: '{{', rightDelimiter: '}}' }
  for (const text of ['"\\', '\\"', '`', '" ', '"|', '"\\\\']) {
    const before = process.cpuUsage()
    assert.equal(compileTemplate(`{{ upper "${text.repeat(60_000 / text.length)}x }}`, scope).kind, 'refused', text)
    const { user, system } = process.cpuUsage(before)
    assert.ok((user + system) / 1e6 < 1.5, `${text} took ${(user + system) / 1e6} s of CPU`)
  }
})
