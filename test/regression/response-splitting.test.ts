// A value that a format took from the query was percent-decoded and written as it was by local_reply_config: U+010D U+010A
// have the low bytes of CR LF, and latin1 keeps only those, so a client could end the header line and write its own.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { bootstrap, listener } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { type ProxyProcess, startProxy } from '../support/proxy-process.ts'
import { rawClient } from '../support/raw-client.ts'

let proxy: ProxyProcess

before(async () => {
  const everyReply = {
    status_code_filter: { comparison: { op: 'GE', value: { default_value: 100, runtime_key: 'x' } } },
  }
  const hcm = {
    local_reply_config: {
      mappers: [
        { filter: everyReply, headers_to_add: [{ header: { key: 'x-asked', value: 'for %QUERY_PARAM(q)%' } }] },
      ],
    },
  }
  const routes = [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'hello' } } }]
  proxy = await startProxy(bootstrap([listener({ name: 'front', routes, hcm })], []))
})

after(async () => {
  await proxy.stop()
  await nothingLeft()
})

for (const [what, query] of [
  ['characters whose low bytes are CR LF', '%C4%8D%C4%8Ax-evil: 1'],
  ['CR LF', '%0D%0Ax-evil: 1'],
  ['NUL', 'a%00'],
] as const) {
  test(`${what} in a query end no header line`, async () => {
    const client = await rawClient(proxy.port('front'))
    client.write(`GET /?q=${query.replace(' ', '%20')} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
    const answer = await client.answer()
    assert.equal(answer.headers.has('x-evil'), false)
    assert.equal(answer.headers.has('x-asked'), false)
    assert.equal((await client.rest()).toString(), 'hello')
    client.close()
  })
}

test('what can be a field value is added', async () => {
  const client = await rawClient(proxy.port('front'))
  client.write('GET /?q=a%20b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  assert.equal((await client.answer()).headers.get('x-asked'), 'for a b')
  await client.rest()
  client.close()
})
