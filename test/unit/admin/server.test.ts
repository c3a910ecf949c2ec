// The admin interface over real HTTP: fetch for what programs and browsers send, a raw socket for what they should not.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type AdminServer, startAdmin } from '../../../src/admin/server.ts'
import type { Address } from '../../../src/config/model/address.ts'
import { NOWHERE } from '../../../src/config/model/place.ts'
import type { AdminConfig } from '../../../src/config/model/proxy.ts'
import { compileLine } from '../../../src/format/compile.ts'
import type { StreamFacts } from '../../../src/format/stream-facts.ts'
import { adminStage, type AdminStage, openTunnel } from '../../support/admin-context.ts'
import { template } from '../../support/exchange-facts.ts'

const LOOPBACK: Address = { kind: 'socket', host: '127.0.0.1', port: 0, place: NOWHERE }
const config = (changes: Partial<AdminConfig> = {}): AdminConfig => ({
  address: LOOPBACK,
  accessLogs: [],
  allowPaths: [],
  place: NOWHERE,
  ...changes,
})

const start = (
  stage: AdminStage,
  changes: Partial<AdminConfig> = {},
  logged: StreamFacts[] = [],
  faults: unknown[] = [],
): Promise<AdminServer> =>
  startAdmin({
    config: config(changes),
    context: stage.context,
    loggers: [{ log: (facts) => logged.push(facts) }],
    onFault: (error) => faults.push(error),
  })

describe('endpoints', () => {
  let stage: AdminStage
  let server: AdminServer
  const at = (path: string): string => `http://${server.address}${path}`
  const get = async (path: string): Promise<string> => (await fetch(at(path))).text()
  const getJson = async (path: string): Promise<unknown> => (await fetch(at(path))).json()
  const post = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(at(path), { method: 'POST', headers })

  before(async () => {
    stage = adminStage()
    server = await start(stage)
  })
  after(() => server.close())
  beforeEach(() => {
    stage.done.length = 0
    stage.state = 'LIVE'
  })

  test('/ready is 200 only when live', async () => {
    assert.equal(await get('/ready'), 'LIVE\n')
    for (const state of ['DRAINING', 'INITIALIZING', 'PRE_INITIALIZING'] as const) {
      stage.state = state
      const answer = await fetch(at('/ready'))
      assert.deepEqual([answer.status, await answer.text()], [503, `${state}\n`])
    }
  })

  test('/server_info', async () => {
    assert.partialDeepStrictEqual(await getJson('/server_info'), {
      version: 'sluice/0.1.0',
      state: 'LIVE',
      uptime_current_epoch: '7s',
      command_line_options: { concurrency: 2 },
      node: { id: 'n1', cluster: 'edge' },
    })
  })

  test('/stats in three forms, filtered', async () => {
    assert.equal(await get('/stats?filter=rq_total'), 'http.ingress.downstream_rq_total: 5\n')
    assert.match(await get('/stats'), /^server\.uptime: 7$/m)
    assert.doesNotMatch(await get('/stats?usedonly'), /no_route/)
    assert.partialDeepStrictEqual(await getJson('/stats?format=json&type=Counters'), {
      stats: [{ name: 'http.ingress.downstream_rq_total', value: 5 }],
    })
    const answer = await fetch(at('/stats?format=prometheus'))
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    assert.equal(await answer.text(), await get('/stats/prometheus'))
    assert.match(await get('/stats/prometheus?usedonly&filter=rq_time'), /_bucket\{le="10"\} 1\n/)
  })

  test('what a query gets wrong is a 400 with the reason', async () => {
    const queries = [
      '/stats?format=xml',
      '/stats?filter=(',
      '/stats?type=x',
      '/stats?histogram_buckets=x',
      '/connections?limit=-1',
      '/connections?format=html',
      '/clusters?filter=[',
      '/config_dump?name_regex=(',
    ]
    for (const path of queries) {
      const answer = await fetch(at(path))
      assert.equal(answer.status, 400, path)
      assert.notEqual(await answer.text(), '', path)
    }
  })

  test('/reset_counters zeroes counters', async () => {
    stage.registry.counter('reset.me').value = 9
    assert.equal(await (await post('/reset_counters')).text(), 'OK\n')
    assert.equal(await get('/stats?filter=reset'), 'reset.me: 0\n')
    stage.registry.counter('http.ingress.downstream_rq_total').value = 5
  })

  test('/clusters', async () => {
    const lines = (await get('/clusters')).split('\n')
    for (const line of [
      'app::observability_name::app',
      'app::default_priority::max_connections::1024',
      'app::high_priority::max_retries::3',
      'app::added_via_api::false',
      'app::127.0.0.1:3000::cx_active::1',
      'app::127.0.0.1:3000::rq_total::8',
      'app::127.0.0.1:3000::health_flags::healthy',
      'app::/run/app.sock::health_flags::/failed_active_hc',
    ]) {
      assert.equal(lines.includes(line), true, line)
    }
    assert.partialDeepStrictEqual(await getJson('/clusters?format=json&filter=^app$'), {
      cluster_statuses: [
        {
          name: 'app',
          host_statuses: [
            {
              address: { socket_address: { address: '127.0.0.1', port_value: 3000 } },
              health_status: { eds_health_status: 'HEALTHY' },
            },
            { address: { pipe: { path: '/run/app.sock' } }, health_status: { failed_active_health_check: true } },
          ],
        },
      ],
    })
  })

  test('/listeners', async () => {
    assert.equal(await get('/listeners'), 'ingress::127.0.0.1:10000\ningress::[::1]:10000\n')
    assert.deepEqual(await getJson('/listeners?format=json'), {
      listener_statuses: [
        {
          name: 'ingress',
          local_address: { socket_address: { address: '127.0.0.1', port_value: 10000 } },
          additional_local_addresses: [{ socket_address: { address: '::1', port_value: 10000 } }],
        },
      ],
    })
  })

  test('/connections tells each tunnel, as JSON and as a table', async () => {
    openTunnel(stage, 12, '/chat')
    openTunnel(stage, 13, '/other\n\x1b[2J')
    assert.partialDeepStrictEqual(await getJson('/connections?filter=chat&limit=1'), {
      open: 2,
      matched: 2,
      connections: [
        {
          id: 12,
          age_ms: 8000,
          idle_ms: 1000,
          route_place: 'sluice.yaml:14',
          hops: { downstream: 'HTTP/1.1', upstream: 'HTTP/2', note: 'extended CONNECT' },
          from_client: { bytes: 1229, messages: 3, queued_bytes: 0 },
          from_upstream: { bytes: 4608, messages: 1, queued_bytes: 2048 },
        },
      ],
    })
    const table = await get('/connections?format=text&filter=(?m)^/o')
    assert.equal(table.trimEnd().split('\n').length, 4, 'title, one tunnel, blank, totals')
    assert.match(
      table,
      /^13 +websocket +8\.0 s +1\.0 s +127\.0\.0\.1:51234 +HTTP\/1\.1 > HTTP\/2 .* echo\.example\/other\\n\\x1b\[2J/m,
    )
  })

  test('/connections/close closes one, as an operator', async () => {
    const causes = openTunnel(stage, 99, '/close-me')
    assert.equal((await post('/connections/close?id=99')).status, 200)
    assert.partialDeepStrictEqual(causes, [{ by: 'operator', code: 'admin_close' }])
    assert.equal((await post('/connections/close?id=99')).status, 404)
    assert.equal((await post('/connections/close?id=x')).status, 400)
    assert.equal((await post('/connections/close')).status, 400)
  })

  test('/logging shows and changes levels', async () => {
    assert.equal(await (await post('/logging')).text(), 'active loggers:\n  admin: info\n  listener: info\n\n')
    assert.match(await (await post('/logging?admin=debug')).text(), /admin: debug\n {2}listener: info/)
    assert.match(
      await (await post('/logging?paths=admin:trace,listener:error')).text(),
      /admin: trace\n {2}listener: error/,
    )
    for (const query of [
      'admin=loud',
      'nobody=info',
      'level=x',
      'paths=admin:info,nobody:info',
      'level=info&admin=info',
    ]) {
      assert.equal((await post(`/logging?${query}`)).status, 400, query)
    }
    assert.match(await (await post('/logging')).text(), /admin: trace/, 'a refused change changes nothing')
    assert.match(await (await post('/logging?level=info')).text(), /admin: info\n {2}listener: info/)
  })

  test('actions reach the server', async () => {
    for (const path of [
      '/healthcheck/fail',
      '/healthcheck/ok',
      '/reopen_logs',
      '/drain_listeners?graceful&inboundonly',
      '/quitquitquit',
    ]) {
      assert.equal(await (await post(path)).text(), 'OK\n', path)
    }
    while (!stage.done.includes('quit')) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(stage.done, [
      'fail',
      'pass',
      'reopen',
      'drain {"inboundOnly":true,"graceful":true,"skipExit":false}',
      'quit',
    ])
  })

  test('a change that is not a POST is refused and does nothing', async () => {
    for (const method of ['GET', 'PUT', 'HEAD']) {
      const answer = await fetch(at('/quitquitquit'), { method })
      assert.equal(answer.status, 400)
      if (method !== 'HEAD') assert.equal(await answer.text(), `Method ${method} not allowed, POST required.`)
    }
    assert.deepEqual(stage.done, [])
  })

  test('an unknown path is a 404 with the commands, as /help lists them', async () => {
    const answer = await fetch(at('/nothing'))
    assert.equal(answer.status, 404)
    assert.equal(await answer.text(), `invalid path. ${await get('/help')}`)
    assert.match(await get('/help'), /^ {2}\/quitquitquit \(POST\): end the server cleanly$/m)
  })

  test('other web pages cannot change anything, this one and programs can', async () => {
    const own = `http://${server.address}`
    const refused: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: own, 'sec-fetch-site': 'cross-site' },
      { origin: 'not a url' },
    ]
    for (const headers of refused)
      assert.equal((await raw('POST', '/reopen_logs', headers)).status, 403, JSON.stringify(headers))
    const rebound = await raw('POST', '/reopen_logs', { host: 'evil.example:9901', origin: 'http://evil.example:9901' })
    assert.equal(rebound.status, 403, 'DNS rebinding')
    assert.deepEqual(stage.done, [])
    assert.equal((await raw('POST', '/reopen_logs', { origin: own, 'sec-fetch-site': 'same-origin' })).status, 200)
    assert.equal((await raw('POST', '/reopen_logs', { host: 'admin.internal' })).status, 200, 'a program by name')
    assert.equal((await raw('POST', '/reopen_logs', { host: 'localhost:1', origin: 'http://localhost:1' })).status, 200)
  })

  test('the home page shows everything as text under a policy that runs only its own script', async () => {
    openTunnel(stage, 44, '/<script>alert(1)</script>')
    const answer = await fetch(at('/'))
    const page = await answer.text()
    const nonce = /script-src 'nonce-([^']+)'/.exec(answer.headers.get('content-security-policy') ?? '')?.[1] ?? 'none'
    assert.equal(page.includes(`<script nonce="${nonce}">`), true)
    assert.doesNotMatch(page, /alert\(1\)/)
    assert.match(page, /<form method="post" action="quitquitquit">/)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    const script = /<script[^>]*>([\s\S]*)<\/script>/.exec(page)?.[1] ?? ''
    // oxlint-disable-next-line typescript/no-implied-eval -- parsed, never run
    assert.doesNotThrow(() => new Function(script), 'the script parses')
  })

  test('small pages', async () => {
    assert.equal(await get('/hot_restart_version'), 'disabled\n')
    assert.deepEqual(await getJson('/init_dump'), {})
    stage.state = 'INITIALIZING'
    assert.partialDeepStrictEqual(await getJson('/init_dump'), {
      unready_targets_dumps: [{ target_names: ['cluster app'] }],
    })
    assert.partialDeepStrictEqual(await getJson('/certs'), { certificates: [] })
    const memory = await get('/memory')
    assert.match(memory, /"allocated": "\d+"/)
  })

  test('HEAD has the headers and no body; an absolute target and a trailing query are understood', async () => {
    const head = await fetch(at('/ready'), { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '5', ''])
    assert.match(await exchange(`GET ${at('/ready')} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`), /LIVE\n$/)
    assert.equal(await get('/ready?'), 'LIVE\n')
  })

  test('bodies, upgrades, CONNECT and rubbish end in a clear answer', async () => {
    const body = await exchange(`POST /reopen_logs HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\nabc`)
    assert.match(body, /^HTTP\/1\.1 200 OK\r\nconnection: close\r\n/i)
    assert.match(
      await exchange('GET /ready HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade, close\r\n\r\n'),
      /^HTTP\/1\.1 200 /,
    )
    assert.match(await exchange('CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n'), /^HTTP\/1\.1 405 /)
    assert.match(await exchange('\x16\x03\x01rubbish\r\n\r\n'), /^HTTP\/1\.1 400 /)
  })

  /** A request with any Host, which fetch does not let one set. */
  function raw(method: string, path: string, headers: Record<string, string>): Promise<{ readonly status: number }> {
    return new Promise((resolve, reject) => {
      const sent = httpRequest(at(path), { method, headers, agent: false }, (answer) => {
        answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0 }))
      })
      sent.on('error', reject).end()
    })
  }

  /** Sends bytes and reads until the server closes. */
  function exchange(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(at('/'))
      let received = ''
      const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'))
      socket.on('data', (chunk) => (received += chunk.toString('latin1')))
      socket
        .on('close', () => resolve(received))
        .on('error', (error) => (received === '' ? reject(error) : resolve(received)))
    })
  }
})

test('allow_paths keeps every other path at 403', async () => {
  const stage = adminStage()
  const server = await start(stage, {
    allowPaths: [
      { kind: 'prefix', value: '/stats', ignoreCase: false },
      { kind: 'exact', value: '/ready', ignoreCase: false },
    ],
  })
  try {
    const status = async (path: string): Promise<number> =>
      (await fetch(`http://${server.address}${path}`, { method: 'POST' })).status
    assert.deepEqual(
      [
        await status('/stats/prometheus'),
        await status('/ready?x'),
        await status('/quitquitquit'),
        await status('/nothing'),
      ],
      [200, 200, 403, 403],
    )
    assert.deepEqual(stage.done, [])
  } finally {
    await server.close()
  }
})

test('every request is logged', async () => {
  const logged: StreamFacts[] = []
  const server = await start(adminStage(), {}, logged)
  try {
    await (await fetch(`http://${server.address}/ready?a=1`, { headers: { 'user-agent': 'probe' } })).text()
    await (await fetch(`http://${server.address}/nothing`)).text()
    while (logged.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const line = compileLine(
      template(
        '%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %BYTES_SENT% %REQ(USER-AGENT)% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %LISTENER_NAME%',
      ),
      false,
    )
    const [first] = logged
    assert.equal(
      first === undefined ? '' : line(first),
      'GET /ready?a=1 HTTP/1.1 200 admin_filter_response 5 probe 127.0.0.1 admin',
    )
    assert.equal(logged[1]?.responseCode, 404)
  } finally {
    await server.close()
  }
})

test('a fault inside an endpoint is a 500, is told, and the server goes on', async () => {
  const stage = adminStage()
  const faults: unknown[] = []
  const broken = {
    ...stage,
    context: {
      ...stage.context,
      clusters: () => {
        throw new Error('secret detail')
      },
    },
  }
  const server = await start(broken, {}, [], faults)
  try {
    const answer = await fetch(`http://${server.address}/clusters`)
    assert.equal(answer.status, 500)
    assert.doesNotMatch(await answer.text(), /secret/)
    assert.equal(faults.length, 1)
    assert.equal((await fetch(`http://${server.address}/ready`)).status, 200)
  } finally {
    await server.close()
  }
})

test('a pipe, with its mode, in the place of one that a former process left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-admin-'))
  const path = join(folder, 'admin.sock')
  const pipe: Address = { kind: 'pipe', path, mode: 0o600, place: NOWHERE }
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      httpRequest({ socketPath: path, path: '/ready', agent: false }, (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text))
      })
        .on('error', reject)
        .end()
    })
  try {
    const first = await start(adminStage(), { address: pipe })
    const second = await start(adminStage(), { address: pipe })
    assert.equal(second.address, path)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(await ask(), 'LIVE\n')
    await first.close()
    await second.close()
    assert.equal(existsSync(path), false)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('an address in use rejects with the reason', async () => {
  const server = await start(adminStage())
  try {
    const port = Number(new URL(`http://${server.address}`).port)
    await assert.rejects(start(adminStage(), { address: { ...LOOPBACK, port } }), { code: 'EADDRINUSE' })
  } finally {
    await server.close()
  }
})
