// A small world for Gateway API tests: echo backends v1, v2 …, manifests that name them, and the proxy that runs these
// manifests, with requests as a client would send them.

import assert from 'node:assert/strict'
import { request as http } from 'node:http'
import { connect as http2Connect } from 'node:http2'
import { type AgentOptions, request as https } from 'node:https'
import { stringify } from 'yaml'
import { loadGatewayApi } from '../../src/config/gateway-api/index.ts'
import type { LoadedConfig } from '../../src/config/dialect.ts'
import { ApplicationLog } from '../../src/observe/log.ts'
import { Proxy } from '../../src/proxy/proxy.ts'
import { type Echo, type EchoBackend, startEcho } from './gateway-echo.ts'
import { within } from './waiting.ts'

/** A piece of a manifest. */
export type Piece = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** What the backend saw; undefined when the answer is not a backend's. */
  readonly echo: Echo | undefined
  readonly text: string
  /** Of the backend; '' without one. */
  readonly pod: string
}

export interface Ask {
  readonly path?: string
  readonly host?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** As the manifest says; default 80. */
  readonly port?: number
  /** The Gateway's address; default 127.0.0.1. */
  readonly address?: string
  /** TLS with this server name. */
  readonly tls?: { readonly sni: string; readonly ca: string; readonly cert?: string; readonly key?: string }
  readonly http2?: boolean
}

export interface World {
  readonly loaded: LoadedConfig
  readonly proxy: Proxy
  ask(ask?: Ask): Promise<Answer>
  /** The port that stands for the manifest's. */
  port(manifestPort?: number, address?: string): number
  stop(): Promise<void>
}

/** What a test does with a world. */
export type Story = (world: World) => Promise<void>

const PORTS = [80, 443, 8080, 8443, 8090, 5000, 9000]

/** Loads and runs manifests; they may be objects or YAML text. */
export async function startWorld(manifests: readonly (Piece | string)[]): Promise<World> {
  const loaded = await load(manifests)
  if (loaded.config === undefined)
    throw new Error(`refused: ${loaded.diagnostics.map(({ message }) => message).join('; ')}`)
  const proxy = new Proxy(loaded.config, new ApplicationLog({ level: 'off' }), {})
  await proxy.start()
  const port = (manifestPort = 80, address = '127.0.0.1'): number => {
    const [bound = ''] = proxy.addresses(`${address}:${manifestPort}`)
    return Number(bound.slice(bound.lastIndexOf(':') + 1))
  }
  return {
    loaded,
    proxy,
    port,
    ask: (ask = {}) => askAt(port(ask.port ?? (ask.tls === undefined ? 80 : 443), ask.address), ask),
    stop: () => proxy.stop(),
  }
}

/** Runs `story` while manifests run. */
export async function duringWorld(manifests: readonly (Piece | string)[], story: Story): Promise<void> {
  const world = await startWorld(manifests)
  try {
    await story(world)
  } finally {
    await world.stop()
  }
}

/** Asks one after the other: each must get its status, or the pod that answered with 200. */
export async function answersAs(world: World, table: readonly (readonly [Ask, string])[]): Promise<void> {
  for (const [ask, expected] of table) {
    const { status, pod } = await world.ask(ask)
    assert.equal(status === 200 ? pod : String(status), expected, JSON.stringify({ ...ask, tls: ask.tls?.sni }))
  }
}

/** Loads only. */
export const load = (manifests: readonly (Piece | string)[]): Promise<LoadedConfig> =>
  loadGatewayApi([{ kind: 'text', name: 'manifests.yaml', text: manifestText(manifests) }], {
    portMap: new Map(PORTS.map((port) => [port, 0])),
  })

/** Manifests as one text. */
export const manifestText = (manifests: readonly (Piece | string)[]): string =>
  manifests
    .map((each) =>
      typeof each === 'string' ? each : stringify(each, { version: '1.1', aliasDuplicateObjects: false }),
    )
    .join('\n---\n')

/** Sends a request to a port of loopback. */
export const askAt = (port: number, ask: Ask = {}): Promise<Answer> =>
  within(send(ask, port), `an answer to ${JSON.stringify(ask)}`, 20_000)

async function send(ask: Ask, port: number): Promise<Answer> {
  return ask.http2 === true ? sendHttp2(ask, port) : sendHttp1(ask, port)
}

function sendHttp1(
  { path = '/', host = 'example.com', method = 'GET', headers = {}, tls, address = '127.0.0.1' }: Ask,
  port: number,
): Promise<Answer> {
  const options = { host: address, port, path, method, agent: false as const, headers: { host, ...headers } }
  const secure: AgentOptions = tls === undefined ? {} : { ...tls, servername: tls.sni }
  return new Promise((resolve, reject) => {
    const made = tls === undefined ? http(options) : https({ ...options, ...secure })
    made.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, response.headers, text)))
      response.on('error', reject)
    })
    made.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(answerOf(response.statusCode ?? 0, response.headers, ''))
    })
    made.on('error', reject)
    made.end()
  })
}

function sendHttp2(
  { path = '/', host = 'example.com', method = 'GET', headers = {}, tls, address = '127.0.0.1' }: Ask,
  port: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = http2Connect(`${tls === undefined ? 'http' : 'https'}://${address}:${port}`, {
      ...(tls === undefined ? {} : { ...tls, servername: tls.sni }),
    })
    session.on('error', reject)
    const stream = session.request({ ':path': path, ':method': method, ':authority': host, ...headers })
    let head: Readonly<Record<string, unknown>> = {}
    let text = ''
    stream.setEncoding('utf8')
    stream.on('response', (received) => (head = received))
    stream.on('data', (chunk: string) => (text += chunk))
    stream.on('error', reject)
    stream.on('end', () => {
      session.close()
      resolve(answerOf(Number(head[':status']), head, text))
    })
    stream.end()
  })
}

function answerOf(status: number, head: Readonly<Record<string, unknown>>, text: string): Answer {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(head)) if (value !== undefined) headers[name] = fieldText(value)
  const echo = headers['content-type'] === 'application/json' ? readEcho(text) : undefined
  return { status, headers, echo, text, pod: echo?.pod ?? '' }
}

const fieldText = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(String).join(', ')
    : `${typeof value === 'number' || typeof value === 'string' ? value : ''}`

function readEcho(text: string): Echo | undefined {
  const parsed: Echo = JSON.parse(text)
  return parsed
}

// Manifests.

/** A Gateway on loopback. Without listeners it has one HTTP listener on port 80 for routes of all namespaces. */
export const gateway = (
  name: string,
  listeners: readonly Piece[] = [{}],
  spec: Piece = {},
  metadata: Piece = {},
): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name, namespace: 'infra', ...metadata },
  spec: {
    gatewayClassName: 'sluice',
    addresses: [{ type: 'IPAddress', value: '127.0.0.1' }],
    listeners: listeners.map((each, index) => ({
      name: `listener-${index + 1}`,
      port: 80,
      protocol: 'HTTP',
      allowedRoutes: { namespaces: { from: 'All' } },
      ...each,
    })),
    ...spec,
  },
})

/** An HTTPRoute (or other kind) on the Gateway `gw`. */
export const route = (name: string, spec: Piece, kind = 'HTTPRoute', metadata: Piece = {}): Piece => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind,
  metadata: { name, namespace: 'infra', ...metadata },
  spec: { parentRefs: [{ name: 'gw' }], ...spec },
})

/** A mapping within a manifest; an empty one where there is none. */
export function part(manifest: Piece | undefined, key: string): Piece {
  const value = manifest?.[key]
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}

/** A manifest with more in its metadata. */
export const withMetadata = (manifest: Piece | undefined, more: Piece): Piece => ({
  ...manifest,
  metadata: { ...part(manifest, 'metadata'), ...more },
})

/** A reference to the Service of a backend. */
export const to = (name: string, more: Piece = {}): Piece => ({ name, port: 8080, ...more })

/** A rule with one path match. */
export const pathRule = (value: string, backend: string, type = 'PathPrefix', more: Piece = {}): Piece => ({
  matches: [{ path: { type, value } }],
  backendRefs: [to(backend)],
  ...more,
})

/** A Service with its EndpointSlice. */
export function service(
  name: string,
  ports: readonly number[],
  namespace = 'infra',
  port: Piece = {},
): readonly Piece[] {
  const first = ports[0] ?? 1
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: {
        selector: { app: name },
        ports: [{ name: 'first', protocol: 'TCP', port: 8080, targetPort: 3000, ...port }],
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-slice`, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'first', protocol: 'TCP', port: first }],
      endpoints: ports.length === 0 ? [] : [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    },
  ]
}

export interface Backends {
  readonly all: readonly EchoBackend[]
  /** Services v1, v2 … in the namespace infra. */
  readonly manifests: readonly Piece[]
  stop(): Promise<void>
}

/** Echo backends with a Service each. */
export async function startBackends(names: readonly string[]): Promise<Backends> {
  const all = await Promise.all(names.map((name) => startEcho(name)))
  return {
    all,
    manifests: all.flatMap(({ pod, port }) => service(pod, [port])),
    stop: async () => {
      await Promise.all(all.map((each) => each.stop()))
    },
  }
}

/** A condition in the status of a loaded object, as `status reason`; `at` leads to the list of conditions. */
export function conditionOf(loaded: LoadedConfig, kind: string, name: string, type: string, at = 'parents[0]'): string {
  const value = loaded.objects.find((each) => each.kind === kind && each.name === name)?.value
  const list = at.split(/[.[\]]+/).reduce(step, step(value, 'status'))
  const conditions = step(list, 'conditions')
  const found = Array.isArray(conditions) ? conditions.find((each: unknown) => step(each, 'type') === type) : undefined
  return `${String(step(found, 'status'))} ${String(step(found, 'reason'))}`
}

function step(value: unknown, key: string): unknown {
  if (key === '') return value
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

/** A field of an object's status. */
export function statusOf(loaded: LoadedConfig, kind: string, name: string, at: string): unknown {
  const value = loaded.objects.find((each) => each.kind === kind && each.name === name)?.value
  return at.split(/[.[\]]+/).reduce(step, step(value, 'status'))
}
