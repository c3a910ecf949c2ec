// auto_sni_san_validation with a fixed `sni` took the certificate of any name that the CA had signed: the name was judged only
// where requests or endpoints gave it.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { bootstrap, cluster, listener, route, upstreamTls } from '../support/envoy-config.ts'
import { startTlsEcho } from '../support/gateway-tls-backend.ts'
import { nothingLeft } from '../support/leaks.ts'
import { startProxy } from '../support/proxy-process.ts'

after(() => nothingLeft())

const statusAt = (port: number, path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    asked.on('error', reject)
    asked.end()
  })

test('the certificate must be for the server name that the cluster asks for', async () => {
  const ca = await authority()
  const backend = await startTlsEcho('one', await ca.issue({ name: 'one', dns: ['one.example.com'] }))
  const to = (name: string, sni: string): ReturnType<typeof cluster> =>
    cluster({
      name,
      port: backend.port,
      tls: upstreamTls(ca.certificateFile, {}, { sni, auto_sni_san_validation: true }),
    })
  const proxy = await startProxy(
    bootstrap(
      [listener({ name: 'in', routes: [route('/right', 'right'), route('/wrong', 'wrong')] })],
      [to('right', 'one.example.com'), to('wrong', 'two.example.com')],
    ),
  )
  try {
    assert.equal(await statusAt(proxy.port('in'), '/right'), 200)
    assert.equal(await statusAt(proxy.port('in'), '/wrong'), 503)
  } finally {
    await proxy.stop()
    await backend.stop()
  }
})
