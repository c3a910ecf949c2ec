// A listener that serves so many connections at once and lets the others wait unread (Easegress: maxConnections; case 38).

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EditedProxy, startEdited } from '../support/edited-proxy.ts'
import { bootstrap, listener } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type RawClient, rawClient } from '../support/raw-client.ts'
import { delay, until } from '../support/waiting.ts'

let proxy: EditedProxy

before(async () => {
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'x' } } }]
  proxy = await startEdited(
    bootstrap([listener({ name: 'web', routes, more: { stat_prefix: 'web', tcp_backlog_size: 2 } })], []),
    (config) => ({ ...config, listeners: config.listeners.map((one) => ({ ...one, maxConnections: 2 })) }),
  )
})

after(async () => {
  await proxy.stop()
  await nothingLeft()
})

const stat = (name: string): number => proxy.proxy.services.registry.gauge(`listener.web.${name}`).value

async function asking(): Promise<RawClient> {
  const client = await rawClient(proxy.port('web'))
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  return client
}

test('the third connection waits until one ends, and those beyond the waiting ones are closed', async () => {
  const served = [await asking(), await asking()]
  for (const client of served) {
    assert.equal((await client.answer()).status, 200)
    await client.read(1)
  }
  const third = await asking()
  await until(() => stat('downstream_cx_waiting') === 1 || undefined, { what: 'a waiting connection' })
  await delay(100)
  assert.equal(third.socket.bytesRead, 0)
  const fourth = await asking()
  await until(() => stat('downstream_cx_waiting') === 2 || undefined, { what: 'another waiting connection' })
  const fifth = await asking()
  assert.equal((await fifth.rest()).length, 0)
  fifth.close()
  served[0]?.close()
  assert.equal((await third.answer()).status, 200)
  assert.equal(fourth.socket.bytesRead, 0)
  third.close()
  assert.equal((await fourth.answer()).status, 200)
  await until(() => stat('downstream_cx_waiting') === 0 || undefined, { what: 'nobody waiting' })
  fourth.close()
  served[1]?.close()
})
