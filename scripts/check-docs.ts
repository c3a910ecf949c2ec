// Checks that every path of this repository that the documents name in backticks exists, so that they cannot point at
// files that were renamed. Run by `npm run lint`.
import { existsSync, globSync, readFileSync } from 'node:fs'

const documents = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md']).sort()
const folders = ['src', 'test', 'docs', 'bench', 'examples', 'scripts', 'tools', 'bin', 'gen', 'runtime']
const pathPattern = new RegExp(`^(?:${folders.join('|')})/[\\w./*<>{},-]*$`)

const faults = documents.flatMap((document) => missingPaths(document))
for (const fault of faults) console.error(fault)
console.log(`documents: ${documents.length} files, ${faults.length} missing paths`)
process.exitCode = faults.length > 0 ? 1 : 0

function missingPaths(document: string): string[] {
  const lines = readFileSync(document, 'utf8').split('\n')
  return lines.flatMap((text, index) =>
    [...text.matchAll(/`([^`\s]+)`/g)]
      .map((match) => (match[1] ?? '').replace(/:\d+$/, ''))
      .filter((path) => pathPattern.test(path) && !exists(path))
      .map((path) => `${document}:${index + 1}: there is no ${path}. Correct the path or the document.`),
  )
}

/** `src/codec/*` must match something; `filter/http/<name>/` and the like stand for any folder. */
function exists(path: string): boolean {
  const pattern = path.replaceAll(/<[^>]*>/g, '*')
  return /[*{]/.test(pattern) ? globSync(pattern).length > 0 : existsSync(pattern)
}
