// Network filters below HTTP in the real program: gates that refuse before and after TLS, and the two filters that serve by
// themselves.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Authority, authority, type Leaf } from '../support/certificates.ts'
import { bootstrap, downstreamTls, fileLog, type Yaml, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import {
  directResponse,
  ECHO,
  networkFilter,
  proxyProtocolFilter,
  rbac,
  tcpListener,
} from '../support/network-config.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { type RawClient, rawClient } from '../support/raw-client.ts'
import { until } from '../support/waiting.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-network-filters-'))
const logFile = join(folder, 'log')
const LARGE = 300_000

let ca: Authority
let leaf: Leaf
let proxy: ProxyProcess

const log: YamlMap = {
  access_log: [fileLog(logFile, '%LISTENER_NAME% %CLOSED_BY% %CLOSE_CAUSE% %CONNECTION_TERMINATION_DETAILS%\n')],
}
const gated = (name: string, gates: readonly Yaml[], chain: YamlMap = {}, more: YamlMap = {}): YamlMap =>
  tcpListener(name, [...gates, ECHO], { ...log, ...more }, chain)

before(async () => {
  ca = await authority()
  leaf = await ca.issue({ name: 'edge' })
  const tls = { transport_socket: downstreamTls([leaf]) }
  const mutual = {
    transport_socket: downstreamTls([leaf], { validation_context: { trusted_ca: { filename: ca.certificateFile } } }),
  }
  const limit = networkFilter('connection_limit', 'ConnectionLimit', {
    stat_prefix: 'few',
    max_connections: 2,
    delay: '0.3s',
  })
  const rate = networkFilter('local_ratelimit', 'LocalRateLimit', {
    stat_prefix: 'slow',
    token_bucket: { max_tokens: 2, tokens_per_fill: 1, fill_interval: '3600s' },
  })
  const bob = { authenticated: { principal_name: { exact: 'spiffe://a/bob' } } }
  proxy = await startProxy(
    bootstrap(
      [
        tcpListener('echo', [ECHO]),
        tcpListener('hello', [directResponse('hello\n')]),
        tcpListener('large', [directResponse('x'.repeat(LARGE))]),
        gated('limited', [limit]),
        gated('rated', [rate], tls),
        gated('named', [rbac('ALLOW', { requested_server_name: { exact: 'localhost' } }, { any: true })], tls),
        gated('mutual', [rbac('ALLOW', { any: true }, bob)], mutual),
        gated(
          'behind',
          [rbac('DENY', { any: true }, { remote_ip: cidr('192.0.2.0', 24) })],
          {},
          {
            listener_filters: [proxyProtocolFilter()],
          },
        ),
        gated('watched', [
          rbac(
            'ALLOW',
            { any: true },
            { direct_remote_ip: cidr('127.0.0.0', 8) },
            {
              stat_prefix: 'watched',
              shadow_rules: { action: 'ALLOW', policies: {} },
              shadow_rules_stat_prefix: 'trial.',
            },
          ),
        ]),
      ],
      [],
    ),
  )
})

const cidr = (address: string, length: number): YamlMap => ({ address_prefix: address, prefix_len: length })

after(async () => {
  await proxy.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

/** Whether a client gets its bytes back; it stays open. */
async function served(client: RawClient): Promise<boolean> {
  client.write('hello')
  try {
    return (await client.read(5)).toString() === 'hello'
  } catch {
    return false
  }
}

const logged = (line: string): Promise<true> =>
  until(() => readFileSync(logFile, 'utf8').includes(`${line}\n`) || undefined, {
    what: `the log line ${line}`,
    detail: () => readFileSync(logFile, 'utf8'),
  })

describe('echo', () => {
  test('gives back what came, however much, and the end after it', async () => {
    const client = await rawClient(proxy.port('echo'))
    const bytes = Buffer.alloc(3_000_000, 'sluice ')
    client.write(bytes)
    client.end()
    assert.ok((await client.rest()).equals(bytes))
    assert.equal(await client.ended, 'fin')
    client.close()
  })

  test('does not read a client that does not read', async () => {
    const client = await rawClient(proxy.port('echo'))
    client.socket.pause()
    const chunk = Buffer.alloc(1 << 20)
    let sent = 0
    while (client.socket.writableLength < 4 << 20 && sent < 200 << 20) {
      client.write(chunk)
      sent += chunk.length
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    assert.ok(sent < 200 << 20, 'the proxy took everything')
    client.close()
  })
})

describe('direct_response', () => {
  test('sends its text whole and closes', async () => {
    for (const [name, length] of [
      ['hello', 6],
      ['large', LARGE],
    ] as const) {
      const client = await rawClient(proxy.port(name))
      client.write('ignored')
      assert.equal((await client.rest()).length, length)
      assert.equal(await client.ended, 'fin')
      client.close()
    }
  })
})

describe('connection_limit', () => {
  test('serves so many at once, holds the next and closes it, and serves again afterwards', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => rawClient(proxy.port('limited'))))
    const [first, second, third] = clients
    if (first === undefined || second === undefined || third === undefined) return assert.fail()
    assert.ok(await served(first))
    assert.ok(await served(second))
    assert.equal(await proxy.stat('connection_limit.few.active_connections'), 3)
    assert.ok(!(await served(third)))
    await logged('limited proxy over_connection_limit over_connection_limit')
    assert.equal(await proxy.stat('connection_limit.few.limited_connections'), 1)
    for (const client of clients) client.close()
    await proxy.statBecomes('connection_limit.few.active_connections', 0)
    const again = await rawClient(proxy.port('limited'))
    assert.ok(await served(again))
    again.close()
  })
})

describe('local_ratelimit', () => {
  test('refuses before the TLS handshake', async () => {
    const trust = { ca: ca.certificate, servername: 'localhost' }
    const clients = [await rawClient(proxy.port('rated'), trust), await rawClient(proxy.port('rated'), trust)]
    for (const client of clients) assert.ok(await served(client))
    await assert.rejects(rawClient(proxy.port('rated'), trust))
    assert.equal(await proxy.stat('local_rate_limit.slow.rate_limited'), 1)
    await logged('rated proxy connection_rate_limited local_ratelimit_close_over_limit')
    for (const client of clients) client.close()
  })
})

describe('rbac', () => {
  const denied = (name: string, policy: string): Promise<true> =>
    logged(`${name} proxy rbac_access_denied rbac_access_denied_matched_policy[${policy}]`)

  test('asks for the server name', async () => {
    const right = await rawClient(proxy.port('named'), { ca: ca.certificate, servername: 'localhost' })
    assert.ok(await served(right))
    const wrong = await rawClient(proxy.port('named'), { rejectUnauthorized: false, servername: 'other.example' })
    assert.ok(!(await served(wrong)))
    await denied('named', 'none')
    right.close()
    wrong.close()
    assert.equal(await proxy.stat('rules.rbac.allowed'), 1)
    assert.equal(await proxy.stat('rules.rbac.denied'), 1)
  })

  test('asks for the client’s certificate', async () => {
    const visit = async (name: string, uris: readonly string[]): Promise<boolean> => {
      const own = await ca.issue({ name, uris })
      const client = await rawClient(proxy.port('mutual'), { ca: ca.certificate, cert: own.certificate, key: own.key })
      const result = await served(client)
      client.close()
      return result
    }
    assert.ok(await visit('bob', ['spiffe://a/bob']))
    assert.ok(!(await visit('alice', ['spiffe://a/alice'])))
    await denied('mutual', 'none')
  })

  test('sees the address of a PROXY header, and the name of the policy reaches the log', async () => {
    const visit = async (ip: string): Promise<boolean> => {
      const client = await rawClient(proxy.port('behind'))
      client.write(`PROXY TCP4 ${ip} 127.0.0.1 1 2\r\n`)
      const result = await served(client)
      client.close()
      return result
    }
    assert.ok(await visit('198.51.100.1'))
    assert.ok(!(await visit('192.0.2.9')))
    await denied('behind', 'the_policy')
  })

  test('shadow rules only count', async () => {
    const client = await rawClient(proxy.port('watched'))
    assert.ok(await served(client))
    client.close()
    assert.equal(await proxy.stat('watched.rbac.allowed'), 1)
    assert.equal(await proxy.stat('watched.rbac.trial.shadow_denied'), 1)
  })
})
