// The admin server: HTTP/1.1 on the address of `admin`, apart from the data path, so node:http serves. It has no
// authentication, as Envoy's has none: bind it to loopback or a pipe.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Address, addressText } from '../config/model/address.ts'
import type { AdminConfig } from '../config/model/proxy.ts'
import { SAMPLE_S } from '../observe/metrics/rates.ts'
import type { Counter, Stat } from '../observe/stats/registry.ts'
import type { StreamFacts } from '../format/stream-facts.ts'
import { adminFacts } from './admin-facts.ts'
import type { AdminContext } from './context.ts'
import { hasServers, isRated } from './easegress/served.ts'
import { dispatch } from './dispatch.ts'
import type { AdminResponse } from './endpoint.ts'

export interface AdminServer {
  /** Bound address, as --admin-address-path writes it. */
  readonly address: string
  /** The same, with the real port. */
  readonly bound: Address
  /** Stops listening and ends open connections. */
  close(): Promise<void>
}

export interface AdminServerOptions {
  readonly config: AdminConfig
  readonly context: AdminContext
  /** Loggers of admin.access_log. */
  readonly loggers: readonly { log(facts: StreamFacts): void }[]
  /** Brings what the context shows up to date before each request, when that takes asking around. */
  readonly refresh?: () => Promise<void>
  /** A fault inside an endpoint, for the log. */
  onFault(error: unknown): void
}

/** Connections at once; further ones are refused. */
const MAX_CONNECTIONS = 512
/** Milliseconds for a whole request head, and for a whole request. */
const HEAD_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000

/** Listens; rejects with the system's error when the address cannot be bound. */
export async function startAdmin(options: AdminServerOptions): Promise<AdminServer> {
  const server = createServer({ headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS })
  server.maxConnections = MAX_CONNECTIONS
  server.on('request', (request, response) => {
    if (options.refresh === undefined) answer(request, response, options)
    else void options.refresh().then(() => answer(request, response, options))
  })
  // An Upgrade field is ignored here (RFC 9110 §7.8), a CONNECT has nothing to connect to.
  server.on('connect', (_, socket: Socket) =>
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\n\r\n'),
  )
  const bound = await bind(server, options.config.address)
  server.on('error', (error) => options.onFault(error))
  const sampling = sampleRates(options)
  const close = (): Promise<void> => {
    clearInterval(sampling)
    return closeServer(server)
  }
  return { address: addressText(bound), bound, close }
}

/** Only where a page shows rates. */
function sampleRates(options: AdminServerOptions): NodeJS.Timeout | undefined {
  const { context, refresh } = options
  if (!hasServers(context.config().objects ?? [])) return undefined
  const sample = (): void => context.rates.sample(context.registry.all().filter(isRatedCounter))
  const timer = setInterval(() => {
    if (refresh === undefined) sample()
    else refresh().then(sample, (error: unknown) => options.onFault(error))
  }, SAMPLE_S * 1000)
  return timer.unref()
}

const isRatedCounter = (stat: Stat): stat is Counter => stat.kind === 'counter' && isRated(stat)

function answer(request: IncomingMessage, response: ServerResponse, options: AdminServerOptions): void {
  const { config, context, loggers } = options
  const facts = loggers.length > 0 ? adminFacts(request, context.clock) : undefined
  const { pathname, searchParams } = splitTarget(request.url ?? '/')
  const { host, origin } = request.headers
  const secFetchSite = text(request.headers['sec-fetch-site'])
  const method = request.method ?? 'GET'
  const result = dispatch(
    { method, path: pathname, query: searchParams },
    { host, origin, secFetchSite },
    config,
    context,
    (error) => options.onFault(error),
  )
  response.once('close', () => {
    if (facts !== undefined) logAnswer(facts, result, options)
    result.after?.()
  })
  send(request, response, result)
}

function send(request: IncomingMessage, response: ServerResponse, result: AdminResponse): void {
  const body = Buffer.from(result.body)
  // No endpoint reads a body, so what comes after the head of one is not worth reading.
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  if (coding !== undefined || (length !== undefined && length !== '0')) response.setHeader('connection', 'close')
  response.writeHead(result.status, {
    'content-type': result.contentType,
    'content-length': body.length,
    'cache-control': 'no-cache, max-age=0',
    'x-content-type-options': 'nosniff',
    ...result.headers,
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function logAnswer(facts: StreamFacts, result: AdminResponse, { context, loggers }: AdminServerOptions): void {
  facts.now = context.clock.now()
  facts.times.end = facts.now
  facts.responseCode = result.status
  facts.bytesSent = Buffer.byteLength(result.body)
  for (const logger of loggers) logger.log(facts)
}

/** Path and query of a request target in origin or absolute form (RFC 9112 §3.2). */
function splitTarget(target: string): { readonly pathname: string; readonly searchParams: URLSearchParams } {
  const origin = target.replace(/^https?:\/\/[^/?]*/i, '')
  const mark = origin.indexOf('?')
  const pathname = (mark < 0 ? origin : origin.slice(0, mark)) || '/'
  return { pathname, searchParams: new URLSearchParams(mark < 0 ? '' : origin.slice(mark + 1)) }
}

const text = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)

async function bind(server: Server, address: Address): Promise<Address> {
  if (address.kind === 'internal') throw new Error('the admin address cannot be an internal listener')
  const where = address.kind === 'pipe' ? { path: pipePath(address.path) } : { host: address.host, port: address.port }
  if (address.kind === 'pipe') removeStaleSocket(address.path)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...where, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  if (address.kind === 'pipe') {
    if (address.mode !== 0 && !address.path.startsWith('@')) chmodSync(address.path, address.mode)
    return address
  }
  const bound = server.address()
  return bound === null || typeof bound === 'string' ? address : { ...address, host: bound.address, port: bound.port }
}

/** `@name` is an abstract socket, as in Envoy. */
const pipePath = (path: string): string => (path.startsWith('@') ? `\0${path.slice(1)}` : path)

/** A socket file that a former process left would refuse the bind; anything else at that path stays and does. */
function removeStaleSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path)
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
