// The examples and the YAML of the documents are what they say: the real loader takes each without a word, and those that a
// reader tries first carry a WebSocket.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { stringify } from 'yaml'
import { diagnosticLine } from '../../src/config/diagnostics.ts'
import { startProxy, type Proxy } from '../../src/index.ts'
import { toEnvoy } from '../../src/config/to-envoy/index.ts'
import { loadText } from '../../src/proxy/load-config.ts'
import { authority } from '../support/certificates.ts'
import { comparable } from '../support/comparable-model.ts'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import { until, within } from '../support/waiting.ts'

const EXAMPLES = globSync('examples/**/*.yaml').sort()
const DOCUMENTS = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md']).sort()

/** A piece of YAML says in its first line where it belongs; here is the rest of such a configuration. */
const FRAMES: ReadonlyMap<string, (piece: string) => string> = new Map([
  ['# in the connection manager', (piece) => configuration({ manager: piece })],
  ['# in a route', (piece) => configuration({ route: piece })],
  ['# in a cluster', (piece) => configuration({ cluster: piece })],
  ['# a network filter', (piece) => tcpConfiguration(piece)],
  ['# beside static_resources', (piece) => `${configuration({})}${piece}\n`],
])

interface Pieces {
  readonly manager?: string
  readonly route?: string
  readonly cluster?: string
}

const indented = (text: string, width: number): string => text.replace(/^(?=.)/gm, ' '.repeat(width))

const configuration = ({
  manager = '',
  route = 'match: {prefix: /}\nroute: {cluster: app}',
  cluster = '',
}: Pieces): string => `
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              -
${indented(route, 16)}
${indented(manager, 10)}
  clusters:
  - name: app
    load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 3000}}}}]}]}
${indented(cluster, 4)}
`

const tcpConfiguration = (filter: string): string => `
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
    filter_chains:
    - filters:
      -
${indented(filter, 8)}
  clusters:
  - name: app
    load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 3000}}}}]}]}
`

interface YamlBlock {
  readonly place: string
  readonly text: string
}

const yamlBlocks = (document: string): YamlBlock[] => {
  const whole = readFileSync(document, 'utf8')
  return [...whole.matchAll(/^```yaml\n([^]*?)^```$/gm)].map((match) => ({
    place: `${document}:${whole.slice(0, match.index).split('\n').length}`,
    text: match[1] ?? '',
  }))
}

/** Nothing is found, or what the text itself announces: `# warns of WORD`. */
async function assertLoads(name: string, text: string): Promise<void> {
  const { config, diagnostics } = await loadText(text, name)
  const announced = [...text.matchAll(/^# warns of (\S+)$/gm)].map(([, word = '']) => word)
  const unannounced = diagnostics.filter(
    ({ severity, message }) => severity === 'error' || !announced.some((word) => message.includes(word)),
  )
  assert.deepEqual(unannounced.map(diagnosticLine), [])
  assert.ok(diagnostics.length >= announced.length, 'what is announced is found')
  assert.notEqual(config, undefined)
}

/** Opens a WebSocket, sends a line, and resolves to the echo. */
async function echoed(url: string, line: string): Promise<string> {
  const socket = new WebSocket(url)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await within(
    new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)),
    'the WebSocket to open',
  )
  const answer = new Promise<string>((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString())))
  socket.send(line)
  const text = await within(answer, 'the echo')
  socket.close(1000)
  await within(closed, 'the close')
  return text
}

const example = (name: string): string => readFileSync(`examples/${name}`, 'utf8')

/** Fixed ports are for readers; tests take free ones. */
const onPorts = (yaml: string, ports: Readonly<Record<number, number>>): string =>
  yaml.replace(/port_value: (\d+)/g, (_, port: string) => `port_value: ${ports[Number(port)] ?? port}`)

const portOf = (proxy: Proxy, listener: string): number => {
  const [address = ''] = proxy.addresses(listener)
  return Number(address.slice(address.lastIndexOf(':') + 1))
}

before(async () => {
  const signer = await authority()
  const leaf = await signer.issue({ name: 'localhost' })
  process.env['SLUICE_CERTIFICATE'] = leaf.certificate
  process.env['SLUICE_KEY'] = leaf.key
  process.env['SLUICE_CA'] = signer.certificate
})

describe('the loader takes without a word', () => {
  for (const file of EXAMPLES) test(file, () => assertLoads(file, readFileSync(file, 'utf8')))
  for (const block of DOCUMENTS.flatMap(yamlBlocks)) {
    test(block.place, () => {
      const frame = FRAMES.get(block.text.split('\n', 1)[0] ?? '')
      return assertLoads(block.place, frame === undefined ? block.text : frame(block.text.trimEnd()))
    })
  }
})

describe('converted to Envoy YAML and loaded again it means the same', () => {
  for (const file of EXAMPLES) {
    test(file, async () => {
      const before = await loadText(readFileSync(file, 'utf8'), file)
      assert.ok(before.config !== undefined)
      const written = stringify(toEnvoy(before.config), { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false })
      const after = await loadText(written, 'converted.yaml')
      assert.equal(after.dialect, 'envoy')
      assert.ok(after.config !== undefined, after.diagnostics.map(diagnosticLine).join('\n'))
      assert.deepEqual(comparable(after.config), comparable(before.config))
    })
  }
})

test('the ten lines of the README are ten, and are the smallest example', () => {
  const [first] = yamlBlocks('README.md')
  assert.equal(first?.text, example('minimal.yaml'))
  assert.equal(first?.text.trimEnd().split('\n').length, 10)
})

test('every example is named in a document', () => {
  const texts = DOCUMENTS.map((document) => readFileSync(document, 'utf8')).join('\n')
  for (const file of globSync('examples/*').sort()) assert.ok(texts.includes(file), `${file} is named nowhere`)
})

describe('a WebSocket passes', () => {
  let app: EchoApp
  before(async () => {
    app = await startEchoApp()
  })
  after(async () => {
    await app.stop()
    await nothingLeft()
  })

  for (const name of ['minimal.yaml', 'websocket.yaml', 'access-log.yaml', 'route-upgrades.yaml']) {
    test(`examples/${name}`, async () => {
      const proxy = await startProxy({ yaml: onPorts(example(name), { 3000: app.port, 8080: 0, 9901: 0 }) })
      const [listener] = proxy.server.listeners
      const port = portOf(proxy, listener?.config.name ?? '')
      assert.equal(await echoed(`ws://127.0.0.1:${port}/`, 'hello'), 'hello')
      await proxy.stop()
    })
  }

  test('examples/front.yaml and examples/sidecar.yaml, one behind the other', async () => {
    const sidecar = await startProxy({ yaml: onPorts(example('sidecar.yaml'), { 3000: app.port, 8081: 0 }) })
    const ports = { 8081: portOf(sidecar, 'sidecar'), 8080: 0, 9901: 0 }
    const front = await startProxy({ yaml: onPorts(example('front.yaml'), ports) })
    const hops: string[] = []
    front.services.ledger.listen({ onOpen: (entry) => hops.push(entry.upstreamProtocol), onClose: () => undefined })
    assert.equal(await echoed(`ws://127.0.0.1:${portOf(front, 'front')}/`, 'hello'), 'hello')
    assert.deepEqual(hops, ['HTTP/2'])
    await front.stop()
    await sidecar.stop()
  })

  test('examples/embed.ts, which tells of it', async () => {
    const child = spawn(process.execPath, ['examples/embed.ts', `ws://127.0.0.1:${app.port}`])
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
    const detail = (): string => output
    const port = await until(() => /127\.0\.0\.1:(\d+)/.exec(output)?.[1], {
      what: 'the example to listen',
      ms: 30_000,
      detail,
    })
    assert.equal(await echoed(`ws://127.0.0.1:${port}/room`, 'hello'), 'hello')
    await until(() => /close \/room: client websocket finished/.exec(output)?.[0], { what: 'the closing line', detail })
    assert.match(output, /open \/room → 127\.0\.0\.1:\d+/)
    child.kill('SIGTERM')
    assert.equal(await within(exited, 'the example to end'), 0)
  })
})
