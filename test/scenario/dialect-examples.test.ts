// The three configurations of examples/dialects stand for one thing: each carries a WebSocket to the same backend and turns
// the same requests away, as it is and converted to Envoy YAML.

import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { startProxy, type Proxy, type StartOptions } from '../../src/index.ts'
import { runSluice } from '../support/proxy-process.ts'
import { until, within } from '../support/waiting.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-dialects-'))
let backend: ChildProcess
let backendPort = 0

before(async () => {
  backend = spawn(process.execPath, ['examples/dialects/backend.mjs', '0'])
  let output = ''
  backend.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  const port = await until(() => /:(\d+)/.exec(output)?.[1], { what: 'the backend to listen', detail: () => output })
  backendPort = Number(port)
})

after(() => {
  backend.kill()
  rmSync(folder, { recursive: true })
})

/** The example with the backend's real port. */
function example(dialect: string): string {
  const path = join(folder, `${dialect}.yaml`)
  writeFileSync(path, readFileSync(`examples/dialects/${dialect}.yaml`, 'utf8').replaceAll('3000', String(backendPort)))
  return path
}

async function withProxy(
  file: string,
  use: (port: number) => Promise<void>,
  more: Partial<StartOptions> = {},
): Promise<void> {
  const proxy: Proxy = await startProxy({
    files: [file],
    portMap: new Map([
      [8080, 0],
      [9901, 0],
    ]),
    ...more,
  })
  try {
    const [listener] = proxy.server.listeners
    const [address = ''] = proxy.addresses(listener?.config.name ?? '')
    await use(Number(address.slice(address.lastIndexOf(':') + 1)))
  } finally {
    await proxy.stop()
  }
}

interface Entry {
  readonly category: string
  readonly operationName: string
  readonly properties: Readonly<Record<string, string>>
}

async function finished(args: readonly string[]): Promise<{ readonly stdout: string; readonly code: number | string }> {
  const program = runSluice(args)
  const code = await within(program.exited, `sluice ${args.join(' ')}`, 30_000)
  return { stdout: program.stdout(), code }
}

async function assertServes(port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat/room?one=1`)
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  await within(new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)), 'the handshake')
  const answer = new Promise<string>((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString())))
  socket.send('hello')
  assert.equal(await within(answer, 'the echo'), 'hello')
  socket.close(1000)
  assert.equal(await within(closed, 'the close'), 1000)
  const elsewhere = await fetch(`http://127.0.0.1:${port}/elsewhere`)
  assert.equal(elsewhere.status, 404)
  const plain = await fetch(`http://127.0.0.1:${port}/chat`)
  assert.equal(plain.status, 426)
}

for (const dialect of ['envoy', 'easegress', 'gateway-api']) {
  describe(`examples/dialects/${dialect}.yaml`, () => {
    test('carries a WebSocket', () => withProxy(example(dialect), assertServes))

    test('writes the diagnostic log when a WebSocket closes', async () => {
      const diagnosticLog = join(folder, `${dialect}.log`)
      await withProxy(example(dialect), assertServes, { diagnosticLog })
      const lines = readFileSync(diagnosticLog, 'utf8').trim().split('\n')
      const entries = lines.map((line): Entry => JSON.parse(line))
      const upgrade = entries.find(({ properties }) => properties['httpStatusCode'] === '101')
      assert.equal(upgrade?.category, 'TrafficControllerAccessLog')
      assert.equal(upgrade.operationName, 'ReqRespLogs')
      assert.equal(upgrade.properties['requestUri'], '/chat/room?one=1')
      assert.equal(upgrade.properties['tlsProtocol'], '-')
      assert.ok(Number(upgrade.properties['timeTaken']) >= 0)
      for (const value of Object.values(upgrade.properties)) assert.equal(typeof value, 'string')
    })

    test('converted to Envoy YAML does the same', async () => {
      const { stdout, code } = await finished(['convert', '-c', example(dialect), '--to', 'envoy'])
      assert.equal(code, 0)
      const converted = join(folder, `${dialect}-converted.yaml`)
      writeFileSync(converted, stdout)
      await withProxy(converted, assertServes)
    })

    test('converted to the model is YAML without secrets', async () => {
      const { stdout, code } = await finished(['convert', '-c', example(dialect), '--to', 'model'])
      assert.equal(code, 0)
      assert.match(stdout, /^listeners:/m)
      assert.match(stdout, /kind: websocket/)
      assert.doesNotMatch(stdout, /PRIVATE KEY/)
    })
  })
}
