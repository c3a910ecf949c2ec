// Every way to tunnel TCP: {CONNECT, POST} × {HTTP/1.1, HTTP/2} × {one hop, two hops} × {in the clear, TLS}. One hop: Node's
// own HTTP client asks, Sluice ends the tunnel. Two hops: a TCP client, Sluice wraps, Sluice unwraps. TUNNEL_MIB sets how much
// passes each way (the soak takes 1024). SUPPORT_MATRIX=write keeps the table in docs/tunnel-matrix.md.

import assert from 'node:assert/strict'
import { createHash, type Hash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import {
  bootstrap,
  cluster,
  downstreamTls,
  fileLog,
  listener,
  upstreamTls,
  type YamlMap,
} from '../support/envoy-config.ts'
import { freePorts } from '../support/foreign-program.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { askForTunnel, dial, type TunnelAnswer } from '../support/tunnel-client.ts'
import { tcpListener, terminate, terminatePost } from '../support/tunnel-config.ts'
import { until, within } from '../support/waiting.ts'

const MIB = 1024 * 1024
const VOLUME = Number(process.env['TUNNEL_MIB'] ?? 16) * MIB

type Version = 'http1' | 'http2'

interface Cell {
  readonly method: 'CONNECT' | 'POST'
  readonly version: Version
  readonly hops: 1 | 2
  readonly tls: boolean
}

const METHODS = ['CONNECT', 'POST'] as const
const VERSIONS = ['http1', 'http2'] as const
const cells: Cell[] = ([1, 2] as const).flatMap((hops) =>
  METHODS.flatMap((method) =>
    VERSIONS.flatMap((version) => [false, true].map((tls) => ({ method, version, hops, tls }))),
  ),
)

const title = ({ method, version, hops, tls }: Cell): string =>
  `${method} over ${version === 'http1' ? 'HTTP/1.1' : 'HTTP/2'}${tls ? ' with TLS' : ''}, ${hops === 1 ? 'one hop' : 'two hops'}`

const door = (version: Version, tls: boolean): string => `${version}${tls ? '-tls' : ''}`

let ca: Authority
let target: TcpTarget
let front: ProxyProcess
let back: ProxyProcess
let logFile: string
const passed = new Map<Cell, string[]>()

before(async () => {
  ca = await authority()
  const leaf = await ca.issue({ name: 'localhost' })
  target = await startTcpTarget()
  const { closed } = await freePorts('closed')
  back = await startProxy(
    bootstrap(backListeners(leaf), [
      cluster({ name: 'target', port: target.port }),
      cluster({ name: 'closed', port: closed }),
    ]),
  )
  logFile = join(back.folder, 'front.log')
  front = await startProxy(bootstrap(frontListeners(), frontClusters()))
})

after(async () => {
  await front.stop()
  await back.stop()
  await target.stop()
  printTable()
  await nothingLeft()
})

const REFUSED = { headers: [{ name: 'x-target', string_match: { exact: 'closed' } }] }

/** Ends tunnels, in every version. */
const backListeners = (leaf: Leaf): YamlMap[] =>
  VERSIONS.flatMap((version) =>
    [false, true].map((tls) =>
      listener({
        name: door(version, tls),
        codec: version === 'http1' ? 'HTTP1' : 'HTTP2',
        upgrades: [],
        routes: [
          terminate('closed', REFUSED),
          terminatePost('closed', {
            headers: [{ name: ':method', string_match: { exact: 'POST' } }, ...REFUSED.headers],
          }),
          terminate('target'),
          terminatePost('target'),
        ],
        ...(tls ? { tls: downstreamTls([leaf], { alpn_protocols: [version === 'http1' ? 'http/1.1' : 'h2'] }) } : {}),
      }),
    ),
  )

const way = ({ method, version, tls }: Cell): string => `${method.toLowerCase()}-${door(version, tls)}`

/** Wraps TCP into tunnels. */
const frontListeners = (): YamlMap[] =>
  cells
    .filter(({ hops }) => hops === 2)
    .flatMap((cell) =>
      ['target', 'closed'].map((leads) =>
        tcpListener({
          name: `${way(cell)}-${leads}`,
          cluster: door(cell.version, cell.tls),
          tunnel: {
            hostname: 'target.test:443',
            ...(cell.method === 'POST' ? { use_post: true } : {}),
            headers_to_add: [{ header: { key: 'x-target', value: leads } }],
          },
          tcp: {
            access_log: [
              fileLog(logFile, `${way(cell)}-${leads} %RESPONSE_CODE% %RESPONSE_FLAGS% %CLOSED_BY% %CLOSE_DETAIL%\n`),
            ],
          },
        }),
      ),
    )

const frontClusters = (): YamlMap[] =>
  VERSIONS.flatMap((version) =>
    [false, true].map((tls) =>
      cluster({
        name: door(version, tls),
        port: back.port(door(version, tls)),
        protocol: version,
        ...(tls
          ? { tls: upstreamTls(ca.certificateFile, { alpn_protocols: [version === 'http1' ? 'http/1.1' : 'h2'] }) }
          : {}),
      }),
    ),
  )

/** The client's end of a new tunnel. */
async function open(cell: Cell): Promise<TunnelAnswer> {
  if (cell.hops === 1) {
    const answer = await askForTunnel(asking(cell))
    assert.equal(answer.status, 200)
    return answer
  }
  const { socket } = dial({ port: front.port(`${way(cell)}-target`) })
  return {
    status: 200,
    headers: {},
    stream: socket,
    reset: () => socket.resetAndDestroy(),
    resetCode: () => undefined,
    stop: () => socket.destroy(),
  }
}

const asking = ({ method, version, tls }: Cell, headers: Readonly<Record<string, string>> = {}) => ({
  method,
  version,
  port: back.port(door(version, tls)),
  headers,
  ...(tls ? { ca: ca.certificate } : {}),
})

/** Sends `bytes` of noise; resolves to their digest. */
async function pour(stream: Duplex, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  const piece = randomBytes(MIB)
  for (let sent = 0; sent < bytes; sent += piece.length) {
    piece.writeUInt32LE(sent / MIB, 0)
    hash.update(piece)
    if (!stream.write(Buffer.from(piece))) await once(stream, 'drain')
  }
  stream.end()
  return hash.digest('hex')
}

interface Received {
  readonly bytes: number
  readonly digest: string
}

function drink(stream: Duplex): Promise<Received> {
  const hash: Hash = createHash('sha256')
  let bytes = 0
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      hash.update(chunk)
    })
    stream.on('end', () => resolve({ bytes, digest: hash.digest('hex') }))
    stream.on('error', reject)
    stream.on('close', () => reject(new Error(`closed after ${bytes} bytes without an end`)))
  })
}

/** Everything until the end, as text; the other direction stays open. */
function words(stream: Duplex): Promise<string> {
  let text = ''
  stream.on('data', (chunk: Buffer) => (text += String(chunk)))
  return once(stream, 'end').then(() => text)
}

/** Writes until the connection is found broken: Node does not look at one that it only writes to. */
async function brokenBy(socket: Socket): Promise<string> {
  let error: Error | undefined
  socket.on('error', (told) => (error ??= told))
  return until(
    () => {
      if (error !== undefined) return String(error)
      socket.write('are you there?')
      return undefined
    },
    { what: 'the reset at the target' },
  )
}

const LONG = 20_000

for (const cell of cells) {
  describe(title(cell), () => {
    test('bytes both ways at once, all of them, each in its place', { timeout: 170_000 }, async () => {
      const client = await open(cell)
      const far = await target.next()
      const all = Promise.all([pour(client.stream, VOLUME), pour(far, VOLUME), drink(far), drink(client.stream)])
      const [up, down, atTarget, atClient] = await within(all, 'both directions', 160_000)
      assert.deepEqual(atTarget, { bytes: VOLUME, digest: up })
      assert.deepEqual(atClient, { bytes: VOLUME, digest: down })
      client.stop()
      note(cell, 'bytes')
    })

    test('the target speaks first', async () => {
      const client = await open(cell)
      const far = await target.next()
      far.write('220 ready\r\n')
      assert.equal(String(await within(once(client.stream, 'data'), 'the greeting')), '220 ready\r\n')
      client.stop()
      far.destroy()
    })

    test('the client ends first and still hears all', async () => {
      const client = await open(cell)
      const far = await target.next()
      client.stream.end('question')
      assert.equal(await within(words(far), 'the end at the target', LONG), 'question')
      far.end('answer')
      assert.equal(await within(words(client.stream), 'the answer', LONG), 'answer')
      client.stop()
      note(cell, 'half-close by client')
    })

    test('the target ends first and still hears all', async () => {
      const client = await open(cell)
      const far = await target.next()
      far.end('banner')
      assert.equal(await within(words(client.stream), 'the end at the client', LONG), 'banner')
      client.stream.end('too late for you?')
      assert.equal(await within(words(far), 'the rest at the target', LONG), 'too late for you?')
      client.stop()
      note(cell, 'half-close by target')
    })

    test('a reset by the client arrives as a reset', async () => {
      const client = await open(cell)
      const far = await target.next()
      far.resume()
      client.stream.write('x')
      await once(far, 'data')
      client.reset()
      assert.match(await brokenBy(far), /ECONNRESET|EPIPE/)
      client.stop()
      note(cell, 'reset by client')
    })

    test('a reset by the target arrives as a reset', async () => {
      const client = await open(cell)
      const far = await target.next()
      const seen = within(
        once(client.stream, 'error').catch((error: unknown) => [error]),
        'the reset at the client',
      )
      // A reset before the tunnel stands at both hops is a refusal: the client is closed, not reset.
      far.write('x')
      await within(once(client.stream, 'data'), 'the byte before the reset')
      client.stream.resume()
      far.resetAndDestroy()
      const [error] = await seen
      assert.match(String(error), resetText(cell))
      client.stop()
      note(cell, 'reset by target')
    })

    test('a refused tunnel tells why', async () => {
      if (cell.hops === 1) {
        const answer = await askForTunnel(asking(cell, { 'x-target': 'closed' }))
        assert.equal(answer.status, 503)
        answer.stop()
      } else {
        const name = `${way(cell)}-closed`
        const { socket } = dial({ port: front.port(name) })
        socket.resume()
        socket.on('end', () => socket.end())
        await within(
          once(socket, 'close').catch(() => undefined),
          'the refusal',
        )
        const line = await until(() => readLog().find((each) => each.startsWith(`${name} `)), { what: 'the log line' })
        assert.match(line, / 503 /)
        assert.match(line, /UF|URX/)
      }
      note(cell, 'refusal')
    })
  })
}

function resetText({ hops, version, method }: Cell): RegExp {
  if (hops === 2 || version === 'http1') return /ECONNRESET|aborted/
  // Only a CONNECT can fail with CONNECT_ERROR (RFC 9113 §8.5).
  return method === 'CONNECT' ? /CONNECT_ERROR/ : /INTERNAL_ERROR/
}

function readLog(): string[] {
  try {
    return readFileSync(logFile, 'utf8').split('\n')
  } catch {
    return []
  }
}

function note(cell: Cell, what: string): void {
  passed.set(cell, [...(passed.get(cell) ?? []), what])
}

const COLUMNS = [
  'bytes',
  'half-close by client',
  'half-close by target',
  'reset by client',
  'reset by target',
  'refusal',
]

function printTable(): void {
  const lines = cells.map(
    (cell) =>
      `| ${title(cell)} | ${COLUMNS.map((each) => (passed.get(cell)?.includes(each) ? 'yes' : 'no')).join(' | ')} |`,
  )
  const table = [
    `| tunnel | ${COLUMNS.join(' | ')} |`,
    `| --- | ${COLUMNS.map(() => '---').join(' | ')} |`,
    ...lines,
  ].join('\n')
  process.stdout.write(`${table}\n`)
  if (process.env['SUPPORT_MATRIX'] === 'write') {
    writeFileSync(
      join(import.meta.dirname, '../../docs/tunnel-matrix.md'),
      `# Tunnels\n\nWritten by \`SUPPORT_MATRIX=write npm test -- test/scenario/tunnel-matrix.test.ts\`, which tries every cell with real sockets.\n\n${table}\n`,
    )
  }
}
