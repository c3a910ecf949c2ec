// Reads a configuration file: bounded, and with the reason in a sentence when it cannot be read.

import { readFileSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { parseDocuments, parseText, type ParsedText } from './parse-text.ts'

/** Bytes of one configuration file; beyond it the file is refused. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024

/** A file or a piece of text that the command line named. */
export type SourceText =
  | { readonly kind: 'file'; readonly path: string }
  /** YAML from `--config-yaml` and the like; `name` is shown in places. */
  | { readonly kind: 'text'; readonly name: string; readonly text: string; readonly format?: 'yaml' | 'json' }

/** Reads and parses. Never throws: what is wrong comes back as problems. */
export function readSource(source: SourceText): ParsedText {
  return readWith(source, parseText, (refusal) => refusal)
}

/** The same for a text that may hold several documents. */
export function readDocuments(source: SourceText): readonly ParsedText[] {
  return readWith(source, parseDocuments, (refusal) => [refusal])
}

function readWith<T>(
  source: SourceText,
  parse: (text: string, file: string, format: 'yaml' | 'json') => T,
  refuse: (refusal: ParsedText) => T,
): T {
  const refused = (file: string, message: string): T => refuse(refusal(file, message))
  const tooLarge = (path: string): T => refused(path, `the file is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB`)
  if (source.kind === 'text') return parse(source.text, source.name, source.format ?? 'yaml')
  const extension = extname(source.path).toLowerCase()
  if (extension === '.pb' || extension === '.pb_text') {
    return refused(
      source.path,
      `Protocol Buffers files (${extension}) are not read; write the configuration as YAML or JSON`,
    )
  }
  try {
    // A character device or pipe (/dev/stdin) has size 0; the text is measured below again.
    if (statSync(source.path).size > MAX_FILE_BYTES) return tooLarge(source.path)
    const text = readFileSync(source.path, 'utf8')
    if (text.length > MAX_FILE_BYTES) return tooLarge(source.path)
    return parse(text, source.path, extension === '.json' ? 'json' : 'yaml')
  } catch (error) {
    return refused(source.path, `cannot read the file: ${reasonOf(error)}`)
  }
}

/** Reads a file that the configuration names (a certificate, a body); bounded by `maxBytes`. */
export function readNamedFile(
  path: string,
  maxBytes: number,
): { readonly bytes: Buffer } | { readonly reason: string } {
  try {
    const { size } = statSync(path)
    if (size > maxBytes) return { reason: `it is ${size} bytes long, more than the ${maxBytes} allowed` }
    return { bytes: readFileSync(path) }
  } catch (error) {
    return { reason: reasonOf(error) }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return REASONS[code] ?? error.message
}

const refusal = (file: string, message: string): ParsedText => ({
  kind: 'refused',
  problems: [{ place: { file, line: 0, column: 0 }, message }],
})
