// What a person is told about a configuration: where, what is wrong, what to do. Printed with the line in question and a
// caret under the spot.

import type { Place } from './model/place.ts'

export type Severity = 'error' | 'warning'

/** One finding. `message` starts in lower case and has no full stop; `hint` says what to do. */
export interface Diagnostic {
  readonly severity: Severity
  readonly place: Place
  readonly message: string
  readonly hint?: string
}

/** Whether anything keeps the configuration from running. */
export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some((d) => d.severity === 'error')

/** In reading order: by file as first seen, then line, then column; the same finding only once. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const files = [...new Set(diagnostics.map((d) => d.place.file))]
  const seen = new Set<string>()
  return diagnostics
    .filter((d) => {
      // What an alias repeats stands in the text once, whatever paths lead to it.
      const key = `${d.severity} ${locationText(d.place.line > 0 ? { ...d, place: { ...d.place, path: '' } } : d)} ${d.message}`
      return !seen.has(key) && seen.add(key)
    })
    .map((d, index) => ({ d, index }))
    .sort(
      (a, b) =>
        files.indexOf(a.d.place.file) - files.indexOf(b.d.place.file) ||
        a.d.place.line - b.d.place.line ||
        a.d.place.column - b.d.place.column ||
        a.index - b.index,
    )
    .map(({ d }) => d)
}

/** `file:line:column: path: message`, as far as known. */
export function diagnosticLine(diagnostic: Diagnostic): string {
  const warning = diagnostic.severity === 'warning' ? 'warning: ' : ''
  return `${locationText(diagnostic)}: ${warning}${diagnostic.message}`
}

function locationText({ place }: Diagnostic): string {
  const where = place.line > 0 ? `${place.file}:${place.line}:${place.column}` : place.file
  return place.path === '' ? where : `${where}: ${place.path}`
}

/** All of them with excerpts, ready for the terminal. `textOf` gives a file's text, or undefined. */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  textOf: (file: string) => string | undefined,
): string {
  const lines = new Map<string, readonly string[]>()
  const linesOf = (file: string): readonly string[] => {
    const known = lines.get(file) ?? textOf(file)?.split('\n') ?? []
    lines.set(file, known)
    return known
  }
  return sortDiagnostics(diagnostics)
    .map((d) => [diagnosticLine(d), ...excerpt(d.place, linesOf(d.place.file)), ...hintLines(d)].join('\n') + '\n')
    .join('')
}

/** Longest piece of a source line that is shown. */
const EXCERPT_WIDTH = 160

function excerpt(place: Place, lines: readonly string[]): string[] {
  const text = lines[place.line - 1]
  if (place.line === 0 || text === undefined) return []
  const from = place.column > EXCERPT_WIDTH - 20 ? place.column - 40 : 0
  const shown = (isSecret(place) ? `${text.slice(0, place.column - 1)}[redacted]` : hideSecrets(text))
    .slice(from, from + EXCERPT_WIDTH)
    .replace(/\r$/, '')
    .replaceAll('\t', ' ')
  const number = String(place.line).padStart(6)
  return [`${number} | ${shown}`, `       | ${' '.repeat(Math.max(0, place.column - 1 - from))}^`]
}

/** The value itself of a password, which may stand on a line without that word. */
const isSecret = ({ path }: Place): boolean =>
  /(?:^|\.)password\.inline_(?:string|bytes)$|(?:^|\.)(?:keyBase64|secret)$|^keys[.[]/.test(path)

/** A line that holds a secret is shown without it. */
function hideSecrets(line: string): string {
  if (line.includes('PRIVATE KEY')) return line.replace(/-----BEGIN.*$/, '[redacted]')
  return line
    .replace(/((?:password|passphrase|secret|keyBase64)["']?\s*:\s*).+$/i, '$1[redacted]')
    .replace(/(authorization\b.*?\bvalue["']?\s*:\s*).+$/i, '$1[redacted]')
}

const hintLines = (diagnostic: Diagnostic): string[] =>
  diagnostic.hint === undefined ? [] : [`       = ${diagnostic.hint}`]
