// A cluster without an endpoint answers 503 with Retry-After, to requests and upgrades alike, over both versions; the time comes
// from what may change things: an ejection, a DNS query, or nothing that is known.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type EditedProxy, startEdited } from '../support/edited-proxy.ts'
import { bootstrap, cluster, listener, route, type YamlMap } from '../support/envoy-config.ts'
import { http2Session } from '../support/http2-websocket.ts'
import { nothingLeft } from '../support/leaks.ts'
import { rawClient, upgradeRequest } from '../support/raw-client.ts'
import { startTunnelApp, type TunnelApp } from '../support/tunnel-app.ts'

let app: TunnelApp
let proxy: EditedProxy

before(async () => {
  app = await startTunnelApp(() => 'HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  const at = (port: number, more: YamlMap = {}): YamlMap => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    ...more,
  })
  const of = (name: string, endpoints: readonly YamlMap[]): YamlMap => ({
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] },
  })
  const ejecting = {
    ...of('ejecting', [at(app.port)]),
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    outlier_detection: { consecutive_5xx: 1, base_ejection_time: '60s', interval: '60s', max_ejection_percent: 100 },
  }
  const draining = {
    ...of('draining', [at(app.port, { health_status: 'DRAINING' })]),
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
  }
  const unresolved = {
    type: 'STRICT_DNS',
    dns_refresh_rate: '30s',
    load_assignment: {
      cluster_name: 'unresolved',
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: 'none.invalid', port_value: 80 } } } }] },
      ],
    },
  }
  proxy = await startEdited(
    bootstrap(
      [
        listener({
          name: 'web',
          routes: [route('/draining', 'draining'), route('/ejecting', 'ejecting'), route('/unresolved', 'unresolved')],
        }),
      ],
      [
        cluster({ name: 'draining', port: app.port, more: draining }),
        cluster({ name: 'ejecting', port: app.port, more: ejecting }),
        cluster({ name: 'unresolved', port: 80, more: unresolved }),
      ],
    ),
  )
  const first = await rawClient(proxy.port('web'))
  first.write('GET /ejecting/first HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  assert.equal((await first.answer()).status, 500)
  first.close()
})

after(async () => {
  await proxy.stop()
  await app.stop()
  await nothingLeft()
})

/** Status and Retry-After, as a request, an upgrade, and an extended CONNECT gets them. */
async function answers(path: string): Promise<(readonly [status: number, seconds: number])[]> {
  const seen: (readonly [number, number])[] = []
  for (const text of [`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`, upgradeRequest(path)]) {
    const client = await rawClient(proxy.port('web'))
    client.write(text)
    const { status, headers } = await client.answer()
    seen.push([status, Number(headers.get('retry-after'))])
    client.close()
  }
  const session = await http2Session(`http://127.0.0.1:${proxy.port('web')}`)
  const { status, headers, stream } = await session.tunnel(path, 'websocket', { 'sec-websocket-version': '13' })
  seen.push([status, Number(headers['retry-after'])])
  stream.destroy()
  await session.close()
  return seen
}

describe('without an endpoint', () => {
  test('nothing in sight: a while', async () => {
    for (const answer of await answers('/draining')) assert.deepEqual(answer, [503, 10])
  })

  test('an ejected endpoint: the sweep that lets it back in', async () => {
    for (const [status, seconds] of await answers('/ejecting')) {
      assert.equal(status, 503)
      assert.ok(Number.isInteger(seconds) && seconds > 10 && seconds <= 120, `${seconds} seconds`)
    }
  })

  test('a name that does not resolve: the next query', async () => {
    for (const [status, seconds] of await answers('/unresolved')) {
      assert.equal(status, 503)
      assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 30, `${seconds} seconds`)
    }
  })
})
