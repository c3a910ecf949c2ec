// Structured mutations of YAML that once was good: values of other types, names and numbers that are traps, pieces moved,
// doubled or taken away, and now and then a wound in the text itself.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import type { Choices } from '../support/random.ts'

/** What stands above the line of a golden file. */
export function goldenInputs(dialect: string): readonly string[] {
  const folder = join(import.meta.dirname, '..', 'golden', dialect)
  return globSync('*.yaml', { cwd: folder })
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').split(/^(?:-{10}|={10})$/m)[0] ?? '')
}

const SCALARS: readonly unknown[] = [
  ...['', '*', '-1', '0', '99999999999999999999', '1e400', 'NaN', '~', 'true', '/', '//', '/../', '%2f', '\0', '\r\n'],
  ...['__proto__', 'constructor', 'toString', '(', '[', '(a+)+$', '{{', '}}', '{{ .req.', '$1', '${x:', '\ud800', 'é'],
  ...['127.0.0.1/33', '::/129', '[::1]:0', 'ws://', 'http://a:b@c:99999/', '5s', '-5s', '1h1h', '9'.repeat(30) + 'h'],
  ...[null, true, false, 0, -1, 1e21, 2 ** 53, 0.1, Number.NaN],
  ...[[], {}, [null], { '': null }, { ['__proto__']: 1 }, [[[[[[]]]]]], 'x'.repeat(5000)],
]

/** One input, changed in some places. */
export function mutated(source: string, choices: Choices): string {
  const documents = parseAllDocuments(source)
  if (!Array.isArray(documents)) return source
  const roots = documents.map((document): unknown => document.toJS({ maxAliasCount: 100 }))
  for (let count = 1 + choices.below(4); count > 0; count--) {
    const at = choices.below(roots.length)
    roots[at] = changed(roots[at], roots, choices)
  }
  if (choices.chance(0.1)) roots.push(choices.pick(roots))
  const text = roots.map((root) => stringify(root, { aliasDuplicateObjects: choices.chance(0.2) })).join('---\n')
  return choices.chance(0.15) ? wounded(text, choices) : text
}

/** The tree with one node replaced, on a way down that chance takes. */
function changed(node: unknown, roots: readonly unknown[], choices: Choices): unknown {
  if (typeof node !== 'object' || node === null || choices.chance(0.12)) return replacement(node, roots, choices)
  if (Array.isArray(node)) return changedList(node, roots, choices)
  const entries = Object.entries(node)
  if (entries.length === 0) return replacement(node, roots, choices)
  const at = choices.below(entries.length)
  const [key = '', value] = entries[at] ?? []
  if (choices.chance(0.06)) entries.splice(at, 1)
  else if (choices.chance(0.04)) entries[at] = [choices.pick(['__proto__', `${key}x`, '', 'name', 'kind']), value]
  else entries[at] = [key, changed(value, roots, choices)]
  return Object.fromEntries(entries)
}

function changedList(items: readonly unknown[], roots: readonly unknown[], choices: Choices): unknown {
  const list = [...items]
  const at = choices.below(list.length)
  const turn = choices.below(10)
  if (list.length === 0 || turn === 0) list.push(choices.pick(SCALARS))
  else if (turn === 1) list.splice(at, 1)
  else if (turn === 2) list.push(list[at])
  else list[at] = changed(list[at], roots, choices)
  return list
}

function replacement(node: unknown, roots: readonly unknown[], choices: Choices): unknown {
  if (typeof node === 'string' && choices.chance(0.3)) return wounded(node, choices)
  return choices.chance(0.1) ? choices.pick(roots) : choices.pick(SCALARS)
}

function wounded(text: string, choices: Choices): string {
  const at = choices.below(text.length + 1)
  const end = Math.min(text.length, at + choices.below(4))
  return (
    text.slice(0, at) +
    choices.pick(['', '\0', '"', '{', '[', ':', '&a ', '*a', '!!x ', '\t', '\ud800', '}}']) +
    text.slice(end)
  )
}
