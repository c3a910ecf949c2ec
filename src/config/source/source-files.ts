// The files that a path names: itself, or what is in the folder. A folder is read to the bottom, in the order of the names;
// hidden entries are left out, which keeps a mounted ConfigMap's `..data` from being read twice.

import { readdirSync, realpathSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { TextProblem } from './parse-text.ts'
import type { SourceText } from './read-file.ts'

/** Files of one folder; beyond it the folder is refused: it is hardly one of configuration. */
export const MAX_FILES = 10_000
const MAX_DEPTH = 16

export interface SourceFiles {
  readonly sources: readonly SourceText[]
  readonly problems: readonly TextProblem[]
}

const EXTENSIONS: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json'])

/** Never throws: what is wrong comes back as problems. A file is named whether or not it exists: reading it tells. */
export function sourceFiles(path: string): SourceFiles {
  if (!isFolder(path)) return { sources: [{ kind: 'file', path }], problems: [] }
  const found: string[] = []
  try {
    collect(path, found, new Set(), 0)
  } catch (error) {
    return refused(path, `cannot read the folder: ${error instanceof Error ? error.message : 'unknown reason'}`)
  }
  if (found.length > MAX_FILES) return refused(path, `the folder holds more than ${MAX_FILES} files of configuration`)
  if (found.length === 0) return refused(path, 'the folder holds no .yaml, .yml or .json file')
  return { sources: found.map((file) => ({ kind: 'file', path: file })), problems: [] }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** `seen`: a folder that links lead to again and again is read once. */
function collect(folder: string, found: string[], seen: Set<string>, depth: number): void {
  const real = realpathSync(folder)
  if (depth > MAX_DEPTH || found.length > MAX_FILES || seen.has(real)) return
  seen.add(real)
  const names = readdirSync(folder).filter((name) => !name.startsWith('.') && !name.endsWith('~'))
  for (const name of names.sort()) {
    const path = join(folder, name)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat?.isDirectory() === true) collect(path, found, seen, depth + 1)
    else if (stat?.isFile() === true && EXTENSIONS.has(extname(name).toLowerCase())) found.push(path)
  }
}

const refused = (file: string, message: string): SourceFiles => ({
  sources: [],
  problems: [{ place: { file, line: 0, column: 0 }, message }],
})
