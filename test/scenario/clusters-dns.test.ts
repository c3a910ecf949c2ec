// Clusters behind names, with a name server of the test's own: names that move, lifetimes, both families, addresses that
// nobody answers at, and look-ups that fail.

import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { type DeafPort, startDeafPort } from '../support/deaf-port.ts'
import { type DnsServer, startDnsServer, zone } from '../support/dns-server.ts'
import { bootstrap, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { listeningPort } from '../support/listening-port.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { nextEvent, until } from '../support/waiting.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.'

/** An application of HTTP and WebSocket at one address; all of them share a port. */
interface Place {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

async function startPlace(host: string, port: number): Promise<Place> {
  const server: Server = createServer((_request, response) => response.end(host))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) =>
    socket.on('message', (data: Buffer) => socket.send(`${host}: ${data.toString()}`)),
  )
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  return {
    host,
    port: listeningPort(server),
    async stop() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const address = (host: string, port: number): YamlMap => ({ socket_address: { address: host, port_value: port } })

const HERE = '127.0.0.1'
const THERE = '127.0.0.2'
const DEAF = '127.0.0.3'
const REFUSING = '127.0.0.4'

let dns: DnsServer
let here: Place
let there: Place
let six: Place
let deaf: DeafPort
let proxy: ProxyProcess

const resolver = (): YamlMap => ({
  name: 'envoy.network.dns_resolver.cares',
  typed_config: {
    '@type': `${TYPE}network.dns_resolver.cares.v3.CaresDnsResolverConfig`,
    resolvers: [address(HERE, dns.port)],
    query_timeout_seconds: 1,
    query_tries: 1,
  },
})

const named = (name: string, more: YamlMap = {}): YamlMap => ({
  name,
  type: 'STRICT_DNS',
  connect_timeout: '3s',
  dns_lookup_family: 'V4_ONLY',
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: address(`${name}.test`, here.port) } }] }],
  },
  typed_dns_resolver_config: resolver(),
  ...more,
})

const CLUSTERS = [
  'moving',
  'lasting',
  'four',
  'six',
  'auto',
  'logical-all',
  'strict-all',
  'additional',
  'failing',
  'breaking',
  'modern',
] as const

before(async () => {
  dns = await startDnsServer()
  here = await startPlace(HERE, 0)
  there = await startPlace(THERE, here.port)
  six = await startPlace('::1', here.port)
  deaf = await startDeafPort(DEAF, here.port)
  for (const name of ['moving', 'lasting', 'breaking']) dns.zones.set(`${name}.test`, zone([HERE], 1))
  for (const name of ['four', 'six', 'auto']) dns.zones.set(`${name}.test`, zone([HERE, '::1']))
  dns.zones.set('logical-all.test', zone([DEAF, HERE]))
  dns.zones.set('modern.test', zone([REFUSING, DEAF, HERE]))
  dns.zones.set('strict-all.test', zone([HERE, '::1']))
  proxy = await startProxy(
    bootstrap(
      [listener({ name: 'web', routes: CLUSTERS.map((name) => route(`/${name}`, name)) })],
      [
        named('moving', { respect_dns_ttl: true, dns_refresh_rate: '3600s' }),
        named('lasting', { dns_refresh_rate: '3600s' }),
        named('four'),
        named('six', { dns_lookup_family: 'V6_ONLY' }),
        named('auto', { dns_lookup_family: 'AUTO' }),
        named('logical-all', { type: 'LOGICAL_DNS', dns_lookup_family: 'ALL' }),
        named('strict-all', { dns_lookup_family: 'ALL' }),
        {
          name: 'additional',
          connect_timeout: '3s',
          load_assignment: {
            cluster_name: 'additional',
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: {
                      address: address(DEAF, here.port),
                      additional_addresses: [{ address: address('::1', here.port) }],
                    },
                  },
                ],
              },
            ],
          },
        },
        named('failing', { dns_failure_refresh_rate: { base_interval: '0.4s', max_interval: '0.4s' } }),
        named('breaking', {
          respect_dns_ttl: true,
          dns_failure_refresh_rate: { base_interval: '0.2s', max_interval: '0.2s' },
        }),
        {
          name: 'modern',
          connect_timeout: '3s',
          cluster_type: {
            name: 'envoy.cluster.dns',
            typed_config: {
              '@type': `${TYPE}clusters.dns.v3.DnsCluster`,
              dns_lookup_family: 'ALL',
              all_addresses_in_single_endpoint: true,
              typed_dns_resolver_config: resolver(),
            },
          },
          load_assignment: {
            cluster_name: 'modern',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address('modern.test', here.port) } }] }],
          },
        },
      ],
    ),
  )
})

after(async () => {
  await proxy.stop()
  for (const part of [here, there, six, deaf, dns]) await part.stop()
  await nothingLeft()
})

interface Answer {
  readonly status: number
  readonly body: string
  readonly retryAfter: string | null
}

async function get(path: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${proxy.port('web')}${path}`, { headers: { connection: 'close' } })
  return { status: response.status, body: await response.text(), retryAfter: response.headers.get('retry-after') }
}

const reaches = (path: string, host: string): Promise<true> =>
  until(async () => ((await get(path)).body === host ? true : undefined), { what: `${path} to reach ${host}` })

async function talk(socket: WebSocket, line: string): Promise<string> {
  const answer = nextEvent<Buffer>(socket, 'message')
  socket.send(line)
  return (await answer).toString()
}

describe('a name', () => {
  test('that moves takes new visitors along within its lifetime, and open tunnels stay', async () => {
    await reaches('/moving', HERE)
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('web')}/moving`)
    await nextEvent(socket, 'open')
    dns.zones.set('moving.test', zone([THERE], 1))
    await reaches('/moving', THERE)
    assert.equal(await talk(socket, 'still you?'), `${HERE}: still you?`)
    socket.terminate()
    assert.ok(dns.asked('moving.test', 'A') >= 2, 'the lifetime of a second counts, not dns_refresh_rate')
  })

  test('is asked for at dns_refresh_rate where its lifetime does not count', () => {
    assert.equal(dns.asked('lasting.test', 'A'), 1)
  })

  test('is asked for the families that dns_lookup_family names, and AUTO prefers IPv6', async () => {
    assert.equal((await get('/four')).body, HERE)
    assert.equal((await get('/six')).body, '::1')
    assert.equal((await get('/auto')).body, '::1')
    assert.deepEqual([dns.asked('four.test', 'A'), dns.asked('four.test', 'AAAA')].map(Boolean), [true, false])
    assert.deepEqual([dns.asked('six.test', 'A'), dns.asked('six.test', 'AAAA')].map(Boolean), [false, true])
  })

  test('of STRICT_DNS has an endpoint for each of its addresses of both families', async () => {
    const bodies = new Set<string>()
    await until(
      async () => {
        bodies.add((await get('/strict-all')).body)
        return bodies.size === 2 || undefined
      },
      { what: 'both addresses to be used' },
    )
    assert.deepEqual(bodies, new Set([HERE, '::1']))
    assert.equal(await proxy.stat('cluster.strict-all.membership_total'), 2)
  })
})

describe('an endpoint with several addresses', () => {
  test('whose first one answers nothing is reached at the second', async () => {
    assert.equal((await get('/logical-all')).body, HERE)
    assert.equal(await proxy.stat('cluster.logical-all.membership_total'), 1)
    const socket = new WebSocket(`ws://127.0.0.1:${proxy.port('web')}/logical-all`)
    await nextEvent(socket, 'open')
    assert.equal(await talk(socket, 'who?'), `${HERE}: who?`)
    socket.terminate()
    assert.equal(await proxy.stat('cluster.logical-all.upstream_cx_connect_fail'), 0)
  })

  test('may have them from additional_addresses', async () => {
    assert.equal((await get('/additional')).body, '::1')
  })

  test('is reached at the third when the first refuses and the second is deaf, by cluster_type envoy.cluster.dns', async () => {
    assert.equal((await get('/modern')).body, HERE)
  })
})

describe('a look-up that fails', () => {
  test('is answered with 503 and the time of the next one, which comes at dns_failure_refresh_rate', async () => {
    const { status, body, retryAfter } = await get('/failing')
    assert.equal(status, 503)
    assert.match(body, /failing\.test/)
    assert.match(retryAfter ?? '', /^\d+$/)
    const before = dns.asked('failing.test', 'A')
    await until(() => (dns.asked('failing.test', 'A') >= before + 2 ? true : undefined), { what: 'more look-ups' })
    dns.zones.set('failing.test', zone([HERE]))
    await reaches('/failing', HERE)
  })

  test('leaves the last good addresses in place', async () => {
    await reaches('/breaking', HERE)
    const failures = await proxy.stat('cluster.breaking.update_failure')
    dns.zones.set('breaking.test', { addresses: [], ttlSeconds: 0, code: 2 })
    await until(async () => ((await proxy.stat('cluster.breaking.update_failure')) > failures + 1 ? true : undefined), {
      what: 'failed look-ups',
    })
    assert.equal((await get('/breaking')).body, HERE)
    dns.zones.set('breaking.test', zone([THERE], 1))
    await reaches('/breaking', THERE)
  })
})
