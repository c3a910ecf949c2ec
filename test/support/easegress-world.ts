// The real program on Easegress objects, for acceptance cases: an HTTPServer's port by its number in the YAML, handshakes
// written by hand, what validation says, and the pages under /apis/v2.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ProxyProcess, runSluice, startText } from './proxy-process.ts'
import { type RawAnswer, rawClient } from './raw-client.ts'
import { within } from './waiting.ts'

/** The key of RFC 6455 §1.3. */
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** Starts the objects; every HTTPServer listens on a free port instead of one of `ports`. */
export const startEasegress = (
  text: string,
  { ports = [8080], args = [], env = {} }: EasegressOptions = {},
): Promise<ProxyProcess> =>
  startText(text, {
    env,
    args: [
      ...['--admin', '127.0.0.1:0', '--drain-time-s', '0'],
      ...ports.flatMap((port) => ['--port-map', `${port}=0`]),
      ...args,
    ],
  })

export interface EasegressOptions {
  /** The ports that the objects name. */
  readonly ports?: readonly number[]
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Fields of a request over those of a handshake; null takes one away, a list writes it several times. */
export type Fields = Readonly<Record<string, string | readonly string[] | null>>

/** A request that is no handshake. */
export const PLAIN: Fields = {
  Connection: null,
  Upgrade: null,
  'Sec-WebSocket-Version': null,
  'Sec-WebSocket-Key': null,
}

/** The text of a handshake as a browser writes it, with `changes` over it. */
export function handshakeText(path: string, changes: Fields = {}, line = 'GET'): string {
  const [method = 'GET', version = 'HTTP/1.1'] = line.split(' ')
  const fields: Fields = {
    Host: 'chat.example',
    Connection: 'keep-alive, Upgrade',
    Upgrade: 'WebSocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    ...changes,
  }
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : typeof value === 'string' ? [`${name}: ${value}`] : value.map((each) => `${name}: ${each}`),
  )
  return `${method} ${path} ${version}\r\n${lines.join('\r\n')}\r\n\r\n`
}

/** Sends it and reads the head of the answer. */
export async function handshake(port: number, path: string, changes?: Fields, line?: string): Promise<RawAnswer> {
  const client = await rawClient(port)
  try {
    client.write(handshakeText(path, changes, line))
    return await client.answer()
  } finally {
    client.close()
  }
}

/** Same, of which only the status counts. */
export const status = async (...args: Parameters<typeof handshake>): Promise<number> =>
  (await handshake(...args)).status

export interface Finished {
  readonly code: number | string
  readonly output: string
}

/** What `sluice validate` says of a text. */
export async function validate(text: string): Promise<Finished> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-validate-'))
  const file = join(folder, 'objects.yaml')
  writeFileSync(file, text)
  const program = runSluice(['validate', '-c', file])
  const code = await within(program.exited, 'sluice validate', 30_000)
  rmSync(folder, { recursive: true })
  return { code, output: program.output().replaceAll(`${folder}/`, '') }
}

/**
 * Every line of `text` that ends in `#! words` must be reported with these words, and no other. `output` is what was
 * printed: `objects.yaml:LINE:COLUMN: field: words`.
 */
export function assertFaults(text: string, output: string): void {
  const wanted = text.split('\n').flatMap((line, index) => {
    const words = /#! (.*)$/.exec(line)?.[1]
    return words === undefined ? [] : [{ line: index + 1, words }]
  })
  const found = output.split('\n').flatMap((line) => {
    const [, number, words] = /^objects\.yaml:(\d+):\d+: (.*)$/.exec(line) ?? []
    return words === undefined ? [] : [{ line: Number(number), words }]
  })
  for (const { line, words } of wanted)
    assert.ok(
      found.some((fault) => fault.line === line && fault.words.includes(words)),
      `line ${line} must be reported with "${words}"; there is\n${output}`,
    )
  const faults = found.filter(({ words }) => !/(?:^|: )warning: /.test(words))
  const others = faults.filter(({ line }) => !wanted.some((one) => one.line === line))
  assert.deepEqual(others, [], output)
}

/** One of the pages under /apis/v2, as data. */
export async function page(proxy: ProxyProcess, path: string): Promise<unknown> {
  const { status: code, body } = await proxy.admin(path)
  assert.equal(code, 200, `${path}: ${body}`)
  return JSON.parse(body)
}
