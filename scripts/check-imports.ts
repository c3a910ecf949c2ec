// Checks every import in src: against the ranks in import-ranks.ts, for cycles, for packages that package.json does not
// declare, and for Node's HTTP in the data path. Run by `npm run lint`; prints one line per fault with what to do, and
// exits with 1 when there is any.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import manifest from '../package.json' with { type: 'json' }
import { dataPath, forbiddenInDataPath, ranks } from './import-ranks.ts'

interface Import {
  readonly target: string
  readonly line: number
  /** `import type` leaves nothing behind at run time. */
  readonly typeOnly: boolean
}

interface Unit {
  readonly name: string
  readonly rank: number
}

const files = new Map(globSync('src/**/*.ts').map((path) => [path.replaceAll('\\', '/'), readFileSync(path, 'utf8')]))
const imports = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]))
const units = rankedUnits()
const dependencies = new Set(Object.keys(manifest.dependencies))

const faults = [...files.keys()]
  .sort()
  .flatMap((path) => [...rankFaults(path), ...dataPathFaults(path), ...packageFaults(path)])
faults.push(...cycles())

for (const fault of faults) console.error(fault)
console.log(`imports: ${files.size} files, ${faults.length} faults`)
process.exitCode = faults.length > 0 ? 1 : 0

function rankFaults(path: string): string[] {
  const from = unitOf(path)
  if (from === undefined) {
    return [`${path}: its folder has no rank. Add it to scripts/import-ranks.ts where docs/architecture.md puts it.`]
  }
  return relativeImports(path).flatMap(({ target, line }) => {
    const place = `${path}:${line}`
    if (!files.has(target)) return [`${place}: ${target} does not exist.`]
    const to = unitOf(target)
    if (to === undefined || to.name === from.name || to.rank < from.rank) return []
    const why =
      to.rank === from.rank
        ? `${from.name} and ${to.name} have the same rank and must not know one another`
        : `${to.name} has a higher rank than ${from.name}`
    return [`${place}: ${why}. Move what both need to a lower folder, or let the caller pass it in.`]
  })
}

function dataPathFaults(path: string): string[] {
  const text = files.get(path) ?? ''
  if (!dataPath.some((folder) => path.startsWith(`src/${folder}/`))) return []
  const faults = (imports.get(path) ?? [])
    .filter(({ target, typeOnly }) => forbiddenInDataPath.includes(target) && !typeOnly)
    .map(({ target, line }) => `${path}:${line}: the data path does not use ${target}. Use the codecs in src/codec.`)
  for (const match of text.matchAll(/^(?!\s*(?:\/\/|\*|\/\*)).*\.(?:pipe|pipeTo|pipeThrough)\(/gm)) {
    faults.push(`${path}:${lineAt(text, match.index)}: the data path does not use pipe. Use src/tunnel/bridge.ts.`)
  }
  return faults
}

/** The published package finds only its declared dependencies. */
function packageFaults(path: string): string[] {
  return (imports.get(path) ?? []).flatMap(({ target, line, typeOnly }) => {
    if (typeOnly || /^(?:src\/|node:|#)/.test(target)) return []
    const name = /^(?:@[^/]+\/)?[^/]+/.exec(target)?.[0] ?? target
    if (dependencies.has(name)) return []
    return [
      `${path}:${line}: ${name} is not among the dependencies in package.json. Declare it there or do without it.`,
    ]
  })
}

/** One fault per file that takes part in a cycle of imports that exist at run time. */
function cycles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const start = path.indexOf(file)
    if (start !== -1) {
      found.push(`${file}: imports itself through ${[...path.slice(start + 1), file].join(' → ')}. Break the cycle.`)
      return
    }
    if (done.has(file)) return
    done.add(file)
    path.push(file)
    for (const { target, typeOnly } of relativeImports(file)) if (!typeOnly) visit(target)
    path.pop()
  }
  for (const file of files.keys()) visit(file)
  return found
}

function relativeImports(path: string): readonly Import[] {
  return (imports.get(path) ?? []).filter(({ target }) => target.startsWith('src/'))
}

function importsOf(path: string, text: string): Import[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(?<type>type\s)?(?:[\w*{][^'"`;]*?\sfrom\s+)?['"](?<from>[^'"]+)['"]|\bimport\(\s*['"](?<dynamic>[^'"]+)['"]/gm,
  )
  return [...statements].map(({ groups, index }) => {
    const from = groups?.['from'] ?? groups?.['dynamic'] ?? ''
    return {
      target: from.startsWith('.') ? join(dirname(path), from) : from,
      line: lineAt(text, index),
      typeOnly: groups?.['type'] !== undefined || groups?.['dynamic'] !== undefined,
    }
  })
}

/** The names in the ranks, with `x/*` spelled out for the folders that exist. */
function rankedUnits(): Map<string, number> {
  const named = new Set(ranks.flat())
  const result = new Map<string, number>()
  ranks.forEach((names, rank) => {
    for (const name of names) {
      if (!name.endsWith('/*')) result.set(name, rank)
      else for (const child of childrenOf(name.slice(0, -2))) if (!named.has(child)) result.set(child, rank)
    }
  })
  return result
}

function childrenOf(folder: string): Set<string> {
  const depth = folder.split('/').length + 1
  const inside = [...files.keys()]
    .map((path) => path.slice('src/'.length))
    .filter((path) => path.startsWith(`${folder}/`))
  return new Set(
    inside
      .map((path) => path.split('/'))
      .filter((parts) => parts.length > depth)
      .map((parts) => parts.slice(0, depth).join('/')),
  )
}

/** The ranked folder nearest to the file, or the file's own name for `config/diagnostics.ts` and `index.ts`. */
function unitOf(path: string): Unit | undefined {
  for (let name = path.slice('src/'.length).replace(/\.ts$/, ''); name !== '.'; name = dirname(name)) {
    const rank = units.get(name)
    if (rank !== undefined) return { name, rank }
  }
  return undefined
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
