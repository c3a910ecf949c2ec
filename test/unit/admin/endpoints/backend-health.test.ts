// `/backendHealth` in the shape of AGC's controller, from clusters that stand for Services.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminContext, HostStatus } from '../../../../src/admin/context.ts'
import { BACKEND_HEALTH } from '../../../../src/admin/endpoints/backend-health.ts'
import { adminStage } from '../../../support/admin-context.ts'
import { address } from '../../../support/exchange-facts.ts'

const stage = adminStage()
const [sample] = stage.context.clusters()

function context(clusters: Readonly<Record<string, readonly (readonly [number, readonly string[]])[]>>): AdminContext {
  assert.ok(sample !== undefined)
  const [host] = sample.hosts
  assert.ok(host !== undefined)
  return {
    ...stage.context,
    clusters: () =>
      Object.entries(clusters).map(([name, hosts]) => ({
        ...sample,
        name,
        hosts: hosts.map(([port, healthFlags]): HostStatus => ({
          ...host,
          address: address('10.0.0.1', port),
          healthFlags,
        })),
      })),
  }
}

const ask = (query: string, of: AdminContext): { status: number; body: unknown } => {
  const answer = BACKEND_HEALTH.handle({ method: 'GET', path: '/backendHealth', query: new URLSearchParams(query) }, of)
  return { status: answer.status, body: answer.contentType === 'application/json' ? JSON.parse(answer.body) : '' }
}

const CLUSTERS = context({
  'shop/chat/8080': [
    [1, []],
    [2, ['failed_active_hc']],
    [3, ['degraded_active_hc']],
  ],
  'shop/other/80': [],
  'envoy-cluster': [[9, []]],
})

test('one Service with its endpoints', () => {
  assert.deepEqual(ask('service-name=shop/chat/8080&detailed=true', CLUSTERS).body, {
    services: [
      {
        serviceName: 'shop/chat/8080',
        serviceHealth: [
          {
            albId: '',
            totalEndpoints: 3,
            totalHealthyEndpoints: 2,
            totalUnhealthyEndpoints: 1,
            endpoints: [
              { address: '10.0.0.1', port: 1, health: { status: 'HEALTHY' } },
              { address: '10.0.0.1', port: 2, health: { status: 'UNHEALTHY' } },
              { address: '10.0.0.1', port: 3, health: { status: 'HEALTHY' } },
            ],
          },
        ],
      },
    ],
  })
})

test('without a name all Services, without detail no endpoints, and clusters of other kinds not at all', () => {
  const { body } = ask('', CLUSTERS)
  const counts = (total: number, healthy: number): unknown => ({
    albId: '',
    totalEndpoints: total,
    totalHealthyEndpoints: healthy,
    totalUnhealthyEndpoints: total - healthy,
  })
  assert.deepEqual(body, {
    services: [
      { serviceName: 'shop/chat/8080', serviceHealth: [counts(3, 2)] },
      { serviceName: 'shop/other/80', serviceHealth: [counts(0, 0)] },
    ],
  })
})

test('clusters of one Service count together, an endpoint once and as the worst of what was found', () => {
  const shared = context({ 'a/b/80': [[1, []]], 'a/b/80#1': [[1, ['failed_active_hc']]], 'a/b/8080': [[1, []]] })
  const { body } = ask('service-name=a/b/80', shared)
  assert.deepEqual(body, {
    services: [
      {
        serviceName: 'a/b/80',
        serviceHealth: [{ albId: '', totalEndpoints: 1, totalHealthyEndpoints: 0, totalUnhealthyEndpoints: 1 }],
      },
    ],
  })
})

test('a name that is none is refused, one that nothing uses is not found', () => {
  assert.equal(ask('service-name=chat', CLUSTERS).status, 400)
  assert.equal(ask('service-name=shop/nothing/80', CLUSTERS).status, 404)
})
