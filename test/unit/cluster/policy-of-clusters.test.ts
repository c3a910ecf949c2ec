import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressText } from '../../../src/config/model/address.ts'
import type { Cluster } from '../../../src/config/model/cluster.ts'
import { addresses, cluster, endpointConfig, place, settle, world } from './build.ts'

const targetPolicy = { allow: [], onlyAllowed: false, place: place(12) }

async function started(more: Partial<Cluster>, answers: readonly string[] = []) {
  const all = world(cluster({ targetPolicy, dnsFamily: 'all', ...more }))
  all.resolver.answers.set('app.example', addresses(...answers))
  all.runtime.start()
  await all.runtime.warm
  return all
}

test('a static cluster keeps the endpoints that its policy permits', async () => {
  const endpoints = [endpointConfig('10.0.0.1'), endpointConfig('1.1.1.1'), endpointConfig('127.0.0.1')]
  const { runtime } = await started({ endpoints })
  assert.deepEqual(
    runtime.endpoints.map(({ text }) => text),
    ['1.1.1.1:80'],
  )
})

test('a cluster of which nothing is left says why', async () => {
  const { runtime } = await started({ endpoints: [endpointConfig('127.0.0.1')] })
  const picked = runtime.pick()
  assert.ok(picked.kind === 'none')
  assert.equal(picked.code, 'target_not_allowed')
  assert.match(
    picked.reason,
    /^cluster "app" \(envoy\.yaml:60\) has no address that may be dialled: the target 127\.0\.0\.1:80 is a loopback/,
  )
})

for (const discovery of ['strict-dns', 'logical-dns'] as const) {
  test(`${discovery}: only permitted answers are dialled, at every refresh`, async () => {
    const endpoints = [endpointConfig('app.example')]
    const { runtime, resolver, clock } = await started({ discovery, endpoints }, ['10.0.0.1', '1.1.1.1'])
    const dialled = () => runtime.endpoints.flatMap((endpoint) => endpoint.addresses.map(addressText))
    const refreshTo = async (...list: readonly string[]) => {
      resolver.answers.set('app.example', addresses(...list))
      clock.advance(5000)
      await settle()
    }
    if (discovery === 'strict-dns') assert.deepEqual(dialled(), ['1.1.1.1:80'])
    await refreshTo('1.0.0.1', '169.254.169.254')
    assert.deepEqual(dialled(), ['1.0.0.1:80'])
    await refreshTo('169.254.169.254')
    assert.deepEqual(dialled(), [])
    const picked = runtime.pick()
    assert.ok(picked.kind === 'none')
    assert.equal(picked.code, 'target_not_allowed')
    assert.match(picked.reason, /app\.example:80 resolves to a link-local/)
    await refreshTo('1.0.0.1')
    assert.equal(runtime.pick().kind, 'endpoint')
  })
}

test('a rule for the name of a DNS cluster opens what it resolves to', async () => {
  const allow = [{ host: 'app.example', range: undefined, ports: undefined }]
  const endpoints = [endpointConfig('app.example')]
  const { runtime } = await started({ discovery: 'strict-dns', endpoints, targetPolicy: { ...targetPolicy, allow } }, [
    '10.0.0.1',
  ])
  assert.equal(runtime.pick().kind, 'endpoint')
})

test('without a policy everything is dialled, as Envoy does', async () => {
  const { runtime } = await started({ endpoints: [endpointConfig('127.0.0.1')], targetPolicy: undefined })
  assert.equal(runtime.pick().kind, 'endpoint')
})
