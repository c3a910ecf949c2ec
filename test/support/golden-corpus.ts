// Reads a golden corpus of raw messages: blocks of lines, divided by empty ones.
//
//   # name            opens a case
//   @ word value      a setting
//   > text            bytes and CRLF      | text   bytes alone; \r \n \t \0 \\ and \xNN are escapes, \*N repeats the byte before
//   = line            one line of the expected outcome

import { readFileSync } from 'node:fs'

export interface GoldenCase {
  readonly name: string
  readonly settings: ReadonlyMap<string, string>
  readonly bytes: Buffer
  readonly expected: readonly string[]
}

/** The cases of `file`. */
export function goldenCorpus(file: URL): GoldenCase[] {
  const blocks = readFileSync(file, 'utf8').split(/\n\s*\n/)
  return blocks.map(parseBlock).filter((block) => block !== undefined)
}

function parseBlock(block: string): GoldenCase | undefined {
  let name = ''
  let text = ''
  const settings = new Map<string, string>()
  const expected: string[] = []
  for (const line of block.split('\n')) {
    const rest = line.slice(2)
    switch (line[0]) {
      case '#':
        name = rest
        break
      case '@':
        settings.set(rest.split(' ')[0] ?? '', rest.split(' ').slice(1).join(' '))
        break
      case '>':
        text += `${unescape(rest)}\r\n`
        break
      case '|':
        text += unescape(rest)
        break
      case '=':
        expected.push(rest)
        break
      default:
        break
    }
  }
  return expected.length === 0 ? undefined : { name, settings, bytes: Buffer.from(text, 'latin1'), expected }
}

function unescape(text: string): string {
  const plain = text.replace(
    /\\(?:([rnt0s\\])|x([0-9a-fA-F]{2}))/g,
    (_all, char: string | undefined, hex: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      return { r: '\r', n: '\n', t: '\t', 0: '\0', s: ' ' }[char ?? ''] ?? '\\'
    },
  )
  return plain.replace(/([^])\\\*(\d+)/g, (_all, char: string, count: string) => char.repeat(Number(count)))
}
