// Several texts into one configuration.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadEnvoy } from '../../../../src/config/envoy/index.ts'

const base = `
node: {id: base, cluster: c}
admin: {address: {pipe: {path: /run/admin.sock}}}
static_resources:
  clusters:
    - {name: a, connect_timeout: 1s}
`

async function merged(over: string) {
  return loadEnvoy([
    { kind: 'text', name: 'base.yaml', text: base },
    { kind: 'text', name: '--config-yaml', text: over },
  ])
}

test('scalars replace, messages merge and lists append', async () => {
  const { config } = await merged('node: {id: over}\nstaticResources: {clusters: [{name: b}]}')
  assert.deepEqual(config?.node, { id: 'over', cluster: 'c' })
  assert.deepEqual([...(config?.clusters.keys() ?? [])], ['a', 'b'])
})

test('another member of a oneof takes the place of the first', async () => {
  const { config } = await merged('admin: {address: {socket_address: {address: 127.0.0.1, port_value: 7}}}')
  assert.equal(config?.admin?.address.kind, 'socket')
})

test('null changes nothing', async () => {
  const { config } = await merged('node: null\nadmin:')
  assert.equal(config?.node.id, 'base')
  assert.equal(config?.admin?.address.kind, 'pipe')
})

test('a finding names the text that it stands in', async () => {
  const { diagnostics } = await merged('static_resources:\n  clusters:\n    - {name: b, typ: STATIC}')
  assert.deepEqual(
    diagnostics.map(({ place }) => [place.file, place.line, place.path]),
    [['--config-yaml', 3, 'static_resources.clusters[1].typ']],
  )
})

test('service node and cluster of the command line win', async () => {
  const { config } = await loadEnvoy([{ kind: 'text', name: 'f', text: base }], { nodeId: 'n', nodeCluster: 'm' })
  assert.deepEqual(config?.node, { id: 'n', cluster: 'm' })
})
