// Fuzzer of CONNECT: targets that are accepted mean one host and port to every reader, and a proxy's answer has one meaning
// however it is split, of which not a byte gets lost. `npm run fuzz`.

import assert from 'node:assert/strict'
import { isConnectAuthority, isConnectTarget } from '../../src/codec/connect-target.ts'
import { connectThrough } from '../../src/codec/http1/connect-handshake.ts'
import { parseRequestTarget } from '../../src/codec/http1/request-target.ts'
import type { ByteStreamSink } from '../../src/transport/byte-stream.ts'
import type { ReplayableStream, StreamAmendment } from '../../src/transport/replay.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { Choices } from '../support/random.ts'
import { ScriptedStream } from '../support/scripted-stream.ts'

const TARGETS = [
  'a.example:443',
  '127.0.0.1:22',
  '[::1]:443',
  '[2001:db8::1]:65535',
  'xn--bcher-kva.example:80',
  'a_b:1',
  'a.example',
  'http://a:80/',
  'u@a:80',
  'a.example.:443',
]
const TARGET_PARTS = [
  ':',
  '[',
  ']',
  '%',
  '@',
  '/',
  '\\',
  '?',
  '#',
  ' ',
  '\t',
  '\r\n',
  '\0',
  '.',
  '..',
  '0',
  '65536',
  '::',
  ',',
  '%25',
  'é',
  '\x7f',
  ':80',
]

const ANSWERS = [
  'HTTP/1.1 200 OK\r\n\r\n',
  'HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
]
const ANSWER_PARTS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  ':',
  '\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  'X: y\r\n',
  'Content-Length: 1\r\n',
  '\r\n ',
  '200',
  '101',
  '\xff',
  'x'.repeat(300),
  'HTTP/1.1 103 A\r\n\r\n',
]

/** Runs `iterations` inputs each from `seed`; throws an AssertionError that names the seed and shows the input. */
export function fuzzConnect(iterations: number, seed: number): void {
  const choices = new Choices(seed)
  for (let i = 0; i < iterations; i++) {
    const target = mutated(choices.pick(TARGETS), TARGET_PARTS, choices)
    guarded(seed, target, () => checkTarget(target))
    const answer = mutated(choices.pick(ANSWERS), ANSWER_PARTS, choices)
    guarded(seed, answer, () => checkAnswer(Buffer.from(`${answer}behind`, 'latin1'), choices))
  }
}

function guarded(seed: number, input: string, check: () => void): void {
  try {
    check()
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new assert.AssertionError({ message: `seed ${seed}, input ${JSON.stringify(input)}: ${what}` })
  }
}

function checkTarget(target: string): void {
  const accepted = isConnectTarget(target)
  assert.equal(parseRequestTarget('CONNECT', target, true).kind === 'authority', accepted)
  if (!accepted) {
    if (isConnectAuthority(target)) assert.ok(!/:\d*$/.test(target.replace(/^\[.*\]$/, '')), 'has a port after all')
    return
  }
  assert.ok(isConnectAuthority(target))
  assert.match(target, /^[0-9A-Za-z._~[\]:-]+$/)
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(target) ?? []
  assert.ok(Number(port) > 0 && Number(port) < 65_536 && String(Number(port)) === port)
  // The URL parser canonicalises numbers and IPv6 addresses and refuses some names; where it reads one, it is this one.
  const url = URL.canParse(`x://${target}/`) ? new URL(`x://${target}/`) : undefined
  if (url === undefined) return
  assert.deepEqual([url.port, url.username, url.pathname], [port, '', '/'])
  if (!host.startsWith('[')) assert.equal(url.hostname.toLowerCase(), host.toLowerCase())
}

function checkAnswer(bytes: Buffer, choices: Choices): void {
  const whole = outcome([bytes])
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const size = 1 + choices.below(choices.chance(0.3) ? 1 : 40)
    parts.push(bytes.subarray(at, at + size))
    at += size
  }
  assert.deepEqual(outcome(parts), whole, 'the outcome depends on how the bytes were split')
  if (!whole.startsWith('tunnel ')) return
  const behind = whole.slice('tunnel '.length)
  const text = bytes.toString('latin1')
  assert.ok(text.endsWith(behind) && behind.endsWith('behind'), 'bytes behind the head were lost')
  assert.ok(text.slice(0, -behind.length).endsWith('\r\n\r\n'), 'the tunnel begins within a head')
}

/** What a handshake makes of an answer: `tunnel` and the bytes behind its head, or the cause of its failure. */
function outcome(chunks: readonly Buffer[]): string {
  const stream = new Replayable()
  const said: string[] = []
  const clock = new ManualClock()
  connectThrough(
    stream,
    { authority: 'a:1', clock, timeoutMs: 1 },
    {
      onTunnel: () => said.push('tunnel '),
      onFailed: (cause, status) => said.push(`${cause.code} ${status} ${cause.detail}`),
    },
  )
  for (const chunk of chunks) stream.feed(chunk)
  if (said.length === 0) stream.feedEnd()
  assert.equal(said.length, 1, 'not exactly one outcome')
  assert.equal(clock.pending, 0, 'a timer is left')
  assert.doesNotMatch(said[0] ?? '', /[^\x20-\x7e]/, 'unprintable words')
  return said[0] === 'tunnel ' ? `tunnel ${stream.takeBack()}` : (said[0] ?? '')
}

/** A scripted stream that takes bytes back. */
class Replayable extends ScriptedStream implements ReplayableStream {
  #returned = ''

  unread(bytes: Buffer): void {
    this.#returned = bytes.toString('latin1')
    const sink: ByteStreamSink = {
      onData: (buffer, start, end) => (this.#returned += buffer.toString('latin1', start, end)),
      onEnd: () => {},
      onDrain: () => {},
      onClose: () => {},
    }
    this.setSink(sink)
  }

  passOn(): void {}

  amend(_facts: StreamAmendment): void {}

  takeBack(): string {
    return this.#returned
  }
}

function mutated(seed: string, parts: readonly string[], choices: Choices): string {
  let text = seed
  for (let changes = choices.below(5); changes > 0; changes--) {
    const at = choices.below(text.length + 1)
    const kind = choices.next()
    if (kind < 0.5) text = text.slice(0, at) + choices.pick(parts) + text.slice(at)
    else if (kind < 0.75) text = text.slice(0, at) + text.slice(at + 1 + choices.below(4))
    else text = text.slice(0, at) + String.fromCharCode(choices.below(256)) + text.slice(at + 1)
  }
  return text
}
