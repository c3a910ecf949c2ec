// A target policy keeps clients from the proxy's own admin pages, but a worker did not know where they are: the main process
// has them, and admin on port 0 had no known port in any process. A rule for a network without a port opened them as well.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { bootstrap, listener } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'

const named = (name: string, allow: string) => ({
  name,
  type: 'ORIGINAL_DST',
  lb_policy: 'CLUSTER_PROVIDED',
  original_dst_lb_config: { use_http_header: true, http_header_name: ':authority' },
  metadata: {
    typed_filter_metadata: {
      'sluice.target_policy': { '@type': 'type.googleapis.com/sluice.v1.TargetPolicy', allow: [allow] },
    },
  },
})

const connectTo = (cluster: string) => ({
  match: { connect_matcher: {} },
  route: { cluster, upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
})

for (const workers of [1, 2]) {
  describe(`${workers} process(es)`, () => {
    let proxy: ProxyProcess

    before(async () => {
      proxy = await startProxy(
        bootstrap(
          [
            listener({ name: 'network', upgrades: [], routes: [connectTo('network')] }),
            listener({ name: 'ports', upgrades: [], routes: [connectTo('ports')] }),
          ],
          [named('network', '127.0.0.0/8'), named('ports', '127.0.0.1:1-65535')],
        ),
        { args: ['--concurrency', String(workers), '--drain-time-s', '0'] },
      )
    })

    after(async () => {
      await proxy.stop()
      await nothingLeft()
    })

    test('a network does not name the admin pages', async () => {
      const client = await rawClient(proxy.port('network'))
      client.write(`CONNECT ${proxy.adminAddress} HTTP/1.1\r\nhost: x\r\n\r\n`)
      const answer = await client.answer()
      assert.equal(answer.status, 403)
      assert.match(answer.headers.get('x-sluice-reason') ?? '', /is this proxy itself/)
      await client.rest()
      client.close()
    })

    test('a rule with the port does', async () => {
      const client = await rawClient(proxy.port('ports'))
      client.write(`CONNECT ${proxy.adminAddress} HTTP/1.1\r\nhost: x\r\n\r\n`)
      assert.equal((await client.answer()).status, 200)
      client.reset()
    })
  })
}
