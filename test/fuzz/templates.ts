// Fuzzer of what Easegress pipelines make of texts: Go templates and cookies. A template compiles to parts or is refused at
// an offset within it; a cookie is found as a slow and plain reading of RFC 6265 §5.4 finds it. `npm run fuzz`.

import assert from 'node:assert/strict'
import { HeaderList } from '../../src/codec/header-list.ts'
import { compileTemplate } from '../../src/config/easegress/go-template.ts'
import { compileVariables } from '../../src/config/easegress/nginx-variables.ts'
import { cookieValue } from '../../src/route/cookie.ts'
import { Choices } from '../support/random.ts'

const SCOPE = {
  namespace: 'DEFAULT',
  data: { a: { b: 'c' }, n: 1, list: [1] },
  leftDelimiter: '{{',
  rightDelimiter: '}}',
}

/** Characters; a longer template is refused. */
const LONGEST = 64 * 1024

const PIECES = [
  ...[
    '{{',
    '}}',
    '{{-',
    '-}}',
    ' ',
    '"',
    '`',
    '\\',
    '|',
    '.',
    '/*',
    '*/',
    '(',
    ')',
    '$',
    '${',
    '}',
    ':',
    '\n',
    '\0',
    'é',
  ],
  ...[
    '.req.Header.Get "x"',
    '.req.URL.Query.Get "q"',
    '.resp.StatusCode',
    '.data.a.b',
    '.data.PIPELINE.n',
    '.data.list',
  ],
  ...['.data.__proto__', '.requests.DEFAULT.Method', '.namespace', 'username .req', 'header .req.Header "a"'],
  ...['upper', 'lower', 'trim', 'default "d"', 'trimPrefix "p"', 'trimSuffix ""', 'if', 'end', 'range', 'text'],
  ...['$host', '$arg_x', '$cookie_', '${http_a:b}', '$$', '\ud800', '\ue0000\ue001'],
]

export function fuzzGoTemplates(runs: number, seed: number): void {
  const choices = new Choices(seed)
  for (let run = 0; run < runs; run++) {
    const text = Array.from({ length: choices.below(12) }, () => choices.pick(PIECES).repeat(repeats(choices))).join('')
    const compiled = compileTemplate(text, SCOPE)
    if (compiled.kind === 'refused') assert.ok(compiled.offset >= 0 && compiled.offset <= text.length, text)
    else
      assert.ok(
        compiled.text.parts.every((part) => part.kind !== 'text' || part.text !== ''),
        text,
      )
    if (!text.includes('{{') && text.length <= LONGEST) assert.equal(compiled.kind, 'text', text)
    const variables = compileVariables(text)
    if ('parts' in variables) assert.equal(variables.source, text)
    else assert.ok(text.includes(variables.unknown), text)
  }
}

/** Mostly one; now and then so many that anything but one pass would be noticed. */
const repeats = (choices: Choices): number => (choices.chance(0.01) ? 2000 : 1)

const COOKIE_PIECES = [
  'a',
  'pin',
  'pinx',
  'xpin',
  '=',
  '==',
  ';',
  '; ',
  ' ',
  '"',
  '""',
  '"v"',
  '\t',
  ',',
  'é',
  '%3b',
  'v',
]

export function fuzzCookies(runs: number, seed: number): void {
  const choices = new Choices(seed)
  for (let run = 0; run < runs; run++) {
    const headers = new HeaderList()
    for (let fields = choices.below(3); fields >= 0; fields--) {
      const pieces = Array.from({ length: choices.below(14) }, () => choices.pick(COOKIE_PIECES))
      headers.add('cookie', pieces.join(''))
    }
    assert.equal(cookieValue(headers, 'pin'), plainly(headers, 'pin'), JSON.stringify(headers.fields))
  }
}

function plainly(headers: HeaderList, name: string): string | undefined {
  for (const field of headers.values('cookie')) {
    const found = field
      .split(';')
      .filter((pair) => pair.includes('='))
      .find((pair) => pair.slice(0, pair.indexOf('=')).trim() === name)
    const value = found?.slice(found.indexOf('=') + 1).trim()
    const bare = value !== undefined && /^".*"$/s.test(value) && value.length > 1 ? value.slice(1, -1) : value
    if (bare !== undefined && bare !== '') return bare
  }
  return undefined
}
