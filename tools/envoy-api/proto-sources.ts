// Collects the .proto files to compile: what @grpc/grpc-js-xds ships of Envoy's v3 API, plus overlay/, which has what is
// missing there and Sluice's own messages.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const shipped = 'node_modules/@grpc/grpc-js-xds/deps'
const roots = [
  `${shipped}/envoy-api`,
  `${shipped}/xds`,
  `${shipped}/googleapis`,
  `${shipped}/protoc-gen-validate`,
  'overlay',
]

/** Envoy's API without its retired v2 half, everything of xds, and Sluice's own. */
const wanted = /^(envoy\/.*\/v3\/|envoy\/annotations\/|xds\/|udpa\/|sluice\/)/

/**
 * Writes the wanted files and all they import into `target`, and returns the paths of the wanted ones.
 * A file whose imports are not at hand is left out, and so are the files that import it; `report` hears about each.
 */
export function collectProtoSources(target: string, report: (line: string) => void): string[] {
  const files = readAll()
  const unavailable = findUnavailable(files)
  rmSync(target, { recursive: true, force: true })
  const included = new Set<string>()
  const include = (path: string): void => {
    const text = files.get(path)
    if (text === undefined || included.has(path)) return
    included.add(path)
    mkdirSync(dirname(join(target, path)), { recursive: true })
    writeFileSync(join(target, path), text)
    importsOf(text).forEach(include)
  }
  const chosen = [...files.keys()].filter((path) => wanted.test(path)).sort()
  for (const path of chosen) {
    const missing = unavailable.get(path)
    if (missing === undefined) include(path)
    else report(`left out: ${path}, because ${missing} is not at hand`)
  }
  return chosen.filter((path) => included.has(path))
}

/** Import path to text, with line ends as protoc's tools like them. */
function readAll(): Map<string, string> {
  const files = new Map<string, string>()
  for (const root of roots) {
    for (const path of globSync('**/*.proto', { cwd: root })) {
      files.set(path, readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n'))
    }
  }
  return withNewerValidateRules(files)
}

/** The shipped validate.proto is older than the Envoy files beside it, which use this one field more. */
function withNewerValidateRules(files: Map<string, string>): Map<string, string> {
  const path = 'validate/validate.proto'
  const text = files.get(path)
  if (text === undefined) throw new Error(`${path} is missing`)
  const newer = text.replace('message StringRules {', 'message StringRules {\n  optional bool ignore_empty = 26;')
  return files.set(path, newer)
}

/** Path to the import that cannot be found, for files that cannot be compiled, directly or through an import. */
function findUnavailable(files: ReadonlyMap<string, string>): Map<string, string> {
  const unavailable = new Map<string, string>()
  for (let found = true; found;) {
    found = false
    for (const [path, text] of files) {
      if (unavailable.has(path)) continue
      const missing = importsOf(text).find((name) => !files.has(name) || unavailable.has(name))
      if (missing === undefined) continue
      unavailable.set(path, unavailable.get(missing) ?? missing)
      found = true
    }
  }
  return unavailable
}

/** Imported paths, without those of google/protobuf, which every compiler brings along. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/^import (?:public )?"([^"]+)"/gm)]
    .map((match) => match[1] ?? '')
    .filter((name) => !name.startsWith('google/protobuf/'))
}
