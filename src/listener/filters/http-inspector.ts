// Learns from a connection's first bytes which HTTP version the client speaks in the clear, as if it had offered it by ALPN.
// Envoy: http_inspector. Takes no bytes; what is no HTTP passes as it is.

import type { Buffer } from 'node:buffer'
import { closeCause } from '../../core/close-cause.ts'
import { REQUEST_LINE_BYTES } from '../../core/limits.ts'
import type { StatRegistry } from '../../observe/stats/registry.ts'
import { ConnectionState } from '../../transport/connection-state.ts'
import type { ReplayableStream } from '../../transport/replay.ts'
import { beginsWithPreface, HTTP2_PREFACE } from '../../transport/sniff.ts'
import type { GreetingFacts, ListenerFilterRuntime } from '../listener-filter.ts'
import { type GreetingJudge, type GreetingVerdict, readGreeting } from './greeting-reader.ts'

type Stats = ReturnType<typeof httpInspectorStats>

export function httpInspector(registry: StatRegistry): ListenerFilterRuntime {
  const stats = httpInspectorStats(registry)
  return {
    run(stream, facts, limits, done) {
      // A tls_inspector before this one saw TLS: nothing of HTTP can be read.
      if (facts.transportProtocol === 'tls') done({ kind: 'passed' })
      else readGreeting(stream, limits, new Inspection(stream, facts, stats), done)
    },
  }
}

/** Envoy's names, below `http_inspector.`. */
function httpInspectorStats(registry: StatRegistry) {
  const scope = registry.scope('http_inspector.')
  return {
    readError: scope.counter('read_error'),
    'http/1.0': scope.counter('http10_found'),
    'http/1.1': scope.counter('http11_found'),
    h2c: scope.counter('http2_found'),
    notFound: scope.counter('http_not_found'),
  }
}

type SniffedProtocol = 'h2c' | 'http/1.1' | 'http/1.0'

class Inspection implements GreetingJudge {
  readonly #stream: ReplayableStream
  readonly #facts: GreetingFacts
  readonly #stats: Stats

  constructor(stream: ReplayableStream, facts: GreetingFacts, stats: Stats) {
    this.#stream = stream
    this.#facts = facts
    this.#stats = stats
  }

  judge(bytes: Buffer): GreetingVerdict {
    const http2 = beginsWithPreface(bytes, 0, bytes.length)
    if (http2 === undefined) return { kind: 'wait', bytes: HTTP2_PREFACE.length }
    const found = http2 ? 'h2c' : requestLineVersion(bytes)
    if (found !== 'unknown') return this.#found(found)
    if (bytes.length < REQUEST_LINE_BYTES) return { kind: 'wait', bytes: bytes.length + 1 }
    this.#stats.readError.value++
    const detail = `the request line is longer than ${REQUEST_LINE_BYTES} bytes`
    return { kind: 'refuse', cause: closeCause('client', 'tcp', 'http1_codec_error', detail) }
  }

  judgeEnd(): GreetingVerdict {
    return this.#found(undefined)
  }

  #found(protocol: SniffedProtocol | undefined): GreetingVerdict {
    this.#stats[protocol ?? 'notFound'].value++
    if (protocol !== undefined) {
      const state = this.#stream.info.state ?? new ConnectionState()
      state.sniffedProtocol = protocol
      this.#facts.alpn = [protocol]
      this.#stream.amend({ state })
    }
    return { kind: 'pass', bytes: 0 }
  }
}

const LF = 10

/** Method, target, version (RFC 9112 §3); a bare LF ends a line, as recipients may take it (§2.2). */
const REQUEST_LINE = /^[\w!#$%&'*+.^`|~-]+ [^ ]+ HTTP\/1\.([01])\r?$/

/** What may still become a request line: a method, then perhaps anything. */
const BEGINNING = /^[\w!#$%&'*+.^`|~-]{1,64}(?: |$)/

/** Version of the request line; undefined when there is none, `unknown` until its end has come. */
function requestLineVersion(bytes: Buffer): SniffedProtocol | 'unknown' | undefined {
  const end = bytes.indexOf(LF)
  // Most other protocols show with their first bytes that they are no HTTP: they need not wait for a line's end.
  if (end < 0) return BEGINNING.test(bytes.toString('latin1', 0, 80)) ? 'unknown' : undefined
  const minor = REQUEST_LINE.exec(bytes.toString('latin1', 0, end))?.[1]
  if (minor === undefined) return undefined
  return minor === '1' ? 'http/1.1' : 'http/1.0'
}
