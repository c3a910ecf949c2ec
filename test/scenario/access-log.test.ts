// What a tunnel leaves in the access log: lines at its start, at its acceptance, at intervals and at its end, as text and
// as JSON, and who closed it and why.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, fileLog, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'
import { until } from '../support/waiting.ts'
import { webSocket, type WebSocketClient } from '../support/websocket-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-access-log-'))
const textFile = join(folder, 'text')
const jsonFile = join(folder, 'json')
const plainFile = join(folder, 'default')

const JSON_FIELDS: YamlMap = {
  type: '%ACCESS_LOG_TYPE%',
  path: '%REQ(:PATH)%',
  method: '%REQ(:METHOD)%',
  protocol: '%PROTOCOL%',
  upstream_protocol: '%UPSTREAM_PROTOCOL%',
  upgrade: '%UPGRADE_TYPE%',
  code: '%RESPONSE_CODE%',
  received: '%BYTES_RECEIVED%',
  sent: '%BYTES_SENT%',
  messages_received: '%WEBSOCKET_MESSAGES_RECEIVED%',
  messages_sent: '%WEBSOCKET_MESSAGES_SENT%',
  closed_by: '%CLOSED_BY%',
  cause: '%CLOSE_CAUSE%',
  close_code: '%WEBSOCKET_CLOSE_CODE%',
  close_reason: '%WEBSOCKET_CLOSE_REASON%',
  route: '%ROUTE_NAME%',
  place: '%ROUTE_PLACE%',
  cluster: '%UPSTREAM_CLUSTER%',
  host: '%UPSTREAM_HOST%',
  mixed: 'code=%RESPONSE_CODE% via %UPSTREAM_CLUSTER%',
  duration: '%DURATION%',
}

interface LogLine {
  readonly [field: string]: string | number | null
}

let app: EchoApp
let proxy: ProxyProcess

before(async () => {
  app = await startEchoApp()
  const text = '%ACCESS_LOG_TYPE% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %CLOSED_BY% %CLOSE_CAUSE%\n'
  const hcm = {
    access_log: [
      fileLog(textFile, text),
      fileLog(jsonFile, JSON_FIELDS),
      {
        ...defaultLog(plainFile),
        filter: {
          status_code_filter: { comparison: { op: 'GE', value: { default_value: 400, runtime_key: 'none' } } },
        },
      },
    ],
    access_log_options: {
      flush_access_log_on_new_request: true,
      flush_log_on_tunnel_successfully_established: true,
      access_log_flush_interval: '0.2s',
    },
  }
  const routes = [route('/ws', 'app', {}, { name: 'chat' })]
  proxy = await startProxy(
    bootstrap([listener({ name: 'web', routes, hcm })], [cluster({ name: 'app', port: app.port })]),
  )
})

after(async () => {
  await proxy.stop()
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

/** A file log in Envoy's default format. */
const defaultLog = (path: string): YamlMap => ({
  name: 'default',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog', path },
})

let count = 0

async function open(protocol: 'http1' | 'http2' = 'http1'): Promise<{ client: WebSocketClient; path: string }> {
  const path = `/ws/${++count}?secret`
  return { client: await webSocket({ protocol, port: proxy.port('web'), path }), path }
}

const jsonLines = (path: string): LogLine[] =>
  readFileSync(jsonFile, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): LogLine => JSON.parse(line))
    .filter((line) => line['path'] === path)

/** The line that ends an exchange. */
const lastLine = (path: string): Promise<LogLine> =>
  until(() => jsonLines(path).find((line) => line['type'] === 'DownstreamEnd'), { what: `the last line of ${path}` })

describe('a WebSocket in the access log', () => {
  test('has a line at its start, at its acceptance, at every interval and at its end', async () => {
    const { client, path } = await open()
    await until(
      () => (jsonLines(path).filter((line) => line['type'] === 'DownstreamPeriodic').length >= 2 ? true : undefined),
      {
        what: 'two lines at intervals',
      },
    )
    await client.close(1000, 'done')
    await lastLine(path)
    const types = jsonLines(path).map((line) => line['type'])
    const [start, accepted, ...rest] = types
    assert.deepEqual(
      [start, accepted, rest.at(-1)],
      ['DownstreamStart', 'DownstreamTunnelSuccessfullyEstablished', 'DownstreamEnd'],
    )
    assert.deepEqual(new Set(rest.slice(0, -1)), new Set(['DownstreamPeriodic']))
  })

  test('says how much moved, how many messages, where it went and how it was closed', async () => {
    const { client, path } = await open()
    client.socket.send('four')
    await client.next()
    client.socket.send(Buffer.alloc(1000), { binary: true })
    await client.next()
    await client.close(4001, 'enough "for" today')
    const { duration, place, ...line } = await lastLine(path)
    assert.deepEqual(line, {
      type: 'DownstreamEnd',
      path,
      method: 'GET',
      protocol: 'HTTP/1.1',
      upstream_protocol: 'HTTP/1.1',
      upgrade: 'websocket',
      code: 101,
      // Headers of 2 or 4 bytes, a mask of 4 from the client, and Close frames of 2 + 18 bytes payload and of 2.
      received: 6 + 4 + (8 + 1000) + (6 + 20),
      sent: 2 + 4 + (4 + 1000) + (2 + 20),
      messages_received: 2,
      messages_sent: 2,
      closed_by: 'client',
      cause: 'finished',
      close_code: 4001,
      close_reason: 'enough "for" today',
      route: 'chat',
      cluster: 'app',
      host: `127.0.0.1:${app.port}`,
      mixed: 'code=101 via app',
    })
    assert.equal(typeof duration, 'number')
    assert.match(String(place), /envoy\.yaml:\d+/)
  })

  test('of an HTTP/2 client is 101 and GET as well', async () => {
    const { client, path } = await open('http2')
    await client.close()
    const line = await lastLine(path)
    assert.deepEqual(
      [line['protocol'], line['code'], line['method'], line['closed_by']],
      ['HTTP/2', 101, 'GET', 'client'],
    )
  })

  test('that the application closes is blamed on the upstream, with its code', async () => {
    const { client, path } = await open()
    client.socket.send('close 4444 no more')
    await client.closed
    const line = await lastLine(path)
    assert.deepEqual([line['closed_by'], line['close_code'], line['close_reason']], ['upstream', 4444, 'no more'])
    await client.destroy()
  })

  test('whose client vanishes is blamed on the client, without a close code', async () => {
    const { client, path } = await open()
    await client.destroy()
    const line = await lastLine(path)
    assert.deepEqual([line['closed_by'], line['close_code']], ['client', null])
  })

  test('whose application vanishes is blamed on the upstream', async () => {
    const { client, path } = await open()
    client.socket.send('vanish')
    await client.closed
    const line = await lastLine(path)
    assert.deepEqual([line['closed_by'], line['close_code']], ['upstream', null])
    await client.destroy()
  })

  test('that an operator closes is blamed on the operator', async () => {
    const { client, path } = await open()
    const id = (await proxy.tunnels()).find((tunnel) => path.startsWith(tunnel.path))?.id
    assert.equal((await proxy.admin(`/connections/close?id=${id}`, 'POST')).status, 200)
    await client.closed
    const line = await lastLine(path)
    assert.deepEqual([line['closed_by'], line['cause']], ['operator', 'admin_close'])
    await client.destroy()
  })

  test('as text has a dash for what is not known yet, and the end last', async () => {
    const { client, path } = await open()
    await client.close()
    await lastLine(path)
    const lines = await until(
      () => {
        const found = readFileSync(textFile, 'utf8')
          .split('\n')
          .filter((line) => line.includes(` ${path} `))
        return found.some((line) => line.startsWith('DownstreamEnd')) ? found : undefined
      },
      { what: 'the text lines' },
    )
    assert.equal(lines[0], `DownstreamStart ${path} HTTP/1.1 0 - - -`)
    assert.equal(lines[1], `DownstreamTunnelSuccessfullyEstablished ${path} HTTP/1.1 101 - - -`)
    assert.equal(lines.at(-1), `DownstreamEnd ${path} HTTP/1.1 101 - client finished`)
  })

  test("in Envoy's default format passes a filter on the status only when the status is one", async () => {
    const { client } = await open()
    await client.close()
    const refused = await rawClient(proxy.port('web'))
    refused.write('GET /none HTTP/1.1\r\nhost: a.example\r\nuser-agent: test\r\nx-forwarded-for: 203.0.113.9\r\n\r\n')
    assert.equal((await refused.answer()).status, 404)
    refused.close()
    const text = await until(() => readFileSync(plainFile, 'utf8').trim() || undefined, { what: 'the default line' })
    assert.match(
      text.split('\n').at(-1) ?? '',
      /^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "GET \/none HTTP\/1\.1" 404 NR 0 \d+ \d+ - "203\.0\.113\.9" "test" "[0-9a-f-]{36}" "a\.example" "-"$/,
    )
    assert.doesNotMatch(text, /" 101 /)
  })
})
