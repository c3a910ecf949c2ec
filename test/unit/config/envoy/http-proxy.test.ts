// An HTTP proxy with credentials in front of a cluster: where the password comes from, and that nothing shows it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { printDiagnostics } from '../../../../src/config/diagnostics.ts'
import { loadEnvoy } from '../../../../src/config/envoy/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-http-proxy-'))
after(() => rmSync(folder, { recursive: true }))

/** A bootstrap whose one cluster goes through a proxy with this `basic_auth`. */
const through = (basicAuth: string): string => `
static_resources:
  clusters:
    - name: app
      load_assignment:
        cluster_name: app
        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 22}}}}]}]
      transport_socket:
        name: proxy
        typed_config:
          "@type": type.googleapis.com/sluice.v1.HttpProxyTransport
          proxy_address: {socket_address: {address: proxy.example, port_value: 3128}}
          basic_auth: ${basicAuth}
`

async function credentials(basicAuth: string): Promise<string | undefined> {
  const { config } = await loadEnvoy([{ kind: 'text', name: 'envoy.yaml', text: through(basicAuth) }])
  return config?.clusters.get('app')?.httpProxy?.basicCredentials
}

test('the line break that ends a password file is no part of the password', async () => {
  const file = join(folder, 'password')
  for (const [text, password] of [
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['pass:word ', 'pass:word '],
  ] as const) {
    writeFileSync(file, text)
    assert.equal(await credentials(`{username: me, password: {filename: ${file}}}`), `me:${password}`)
  }
})

test('a user without a password has an empty one', async () => {
  assert.equal(await credentials('{username: me}'), 'me:')
})

test('neither findings nor the dump show the password', async () => {
  for (const basicAuth of [
    '{username: "a:b", password: {inline_string: hunter2}}',
    '{username: me, password: {inline_string: "hunter2\\x02"}}',
    '{username: me, password: {inline_string: hunter2}, nonsense: 1}',
    '\n            username: me\n            password:\n              inline_string: [hunter2]',
    '\n            username: me\n            password:\n              inline_string: "hunter2\\0"',
    '{username: me, password: {inline_string: hunter2}}',
  ]) {
    const text = through(basicAuth)
    const { config, diagnostics } = await loadEnvoy([{ kind: 'text', name: 'envoy.yaml', text }])
    const shown = printDiagnostics(diagnostics, () => text) + JSON.stringify(config?.dump ?? '')
    assert.ok(!shown.includes('hunter2'), shown)
    assert.ok(config !== undefined || diagnostics.length > 0)
  }
})
