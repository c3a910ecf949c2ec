// AGC's HealthCheckPolicy, its precedence and its default probe; Sluice's annotations; the lint about WebSocket backends.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { judgePolicies } from '../../../../../src/config/gateway-api/policy/judge.ts'
import { type ServicePolicy, servicePolicyFor } from '../../../../../src/config/gateway-api/policy/service-policy.ts'
import type { HealthCheck } from '../../../../../src/config/model/health-check.ts'
import { type ReadManifests, readManifests } from '../../../../support/gateway-working.ts'

const GATEWAY = (gatewayClass: string, namespace = 'default'): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gateway, namespace: ${namespace} }
spec: { gatewayClassName: ${gatewayClass}, listeners: [{ name: http, port: 80, protocol: HTTP }] }
---`

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: chat }
spec: { selector: { app: chat }, ports: [{ name: http-back, port: 8080, targetPort: 3000 }, { name: admin, port: 9000, targetPort: 9001 }] }
---`

/** The policy of the article on WebSockets, in words of our own. */
const ARTICLE = `
apiVersion: alb.networking.azure.io/v1
kind: HealthCheckPolicy
metadata: { name: chat-health }
spec:
  targetRef: { group: "", kind: Service, name: chat }
  default:
    interval: 5s
    timeout: 3s
    healthyThreshold: 1
    unhealthyThreshold: 1
    http:
      path: /health
---`

const policy = (spec: string, metadata = 'name: policy'): string => `
apiVersion: alb.networking.azure.io/v1
kind: HealthCheckPolicy
metadata: { ${metadata} }
spec: ${spec}
---`

const target = 'targetRef: { group: "", kind: Service, name: chat }'

interface Asked {
  readonly port?: number
  readonly protocol?: 'http' | 'grpc' | 'tcp'
  readonly tls?: boolean
}

function settings(
  manifests: ReadManifests,
  { port = 8080, protocol = 'http', tls = false }: Asked = {},
): ServicePolicy {
  return servicePolicyFor(manifests.working, manifests.backend('chat', port), { protocol, tls })
}

function check(text: string, asked?: Asked): HealthCheck {
  const manifests = readManifests(text)
  judgePolicies(manifests.working, manifests.gateways)
  const [found, ...more] = settings(manifests, asked).healthChecks ?? []
  assert.ok(found !== undefined && more.length === 0, manifests.findings().join('\n') || 'no check')
  return found
}

const AGC = GATEWAY('azure-alb-external') + SERVICE

describe('which probe', () => {
  test("the policy of AGC's article: GET /health as localhost every 5 s, 3 s to answer, one failure is enough", () => {
    const found = check(AGC + ARTICLE)
    assert.ok(found.probe.kind === 'http')
    assert.equal(`${found.probe.method} ${found.probe.path} ${found.probe.host}`, 'GET /health localhost')
    assert.deepEqual(found.probe.expected, [{ first: 200, last: 299 }])
    const { intervalMs, timeoutMs, healthyThreshold, unhealthyThreshold, port, tls, initial } = found
    assert.deepEqual(
      { intervalMs, timeoutMs, healthyThreshold, unhealthyThreshold, port, tls, initial },
      {
        intervalMs: 5000,
        timeoutMs: 3000,
        healthyThreshold: 1,
        unhealthyThreshold: 1,
        port: undefined,
        tls: 'cluster',
        initial: 'healthy',
      },
    )
  })

  test("without a policy AGC's default: GET / every 5 s, 30 s to answer, three failures", () => {
    const found = check(AGC)
    assert.ok(found.probe.kind === 'http')
    assert.equal(`${found.probe.path} ${found.probe.host}`, '/ localhost')
    assert.equal(found.probe.headers.add[0]?.value.source, 'Microsoft-Azure-Application-LB/AGC')
    assert.deepEqual(
      [found.intervalMs, found.timeoutMs, found.healthyThreshold, found.unhealthyThreshold],
      [5000, 30_000, 1, 3],
    )
    // Three failures, whatever the status: nothing takes an endpoint out at once.
    assert.deepEqual(found.probe.retriable, [{ first: 100, last: 599 }])
  })

  test('the default probe of gRPC is a connection', () => {
    assert.equal(check(AGC, { protocol: 'grpc' }).probe.kind, 'tcp')
  })

  test('a class that is not AGC’s probes only what a policy asks for', () => {
    const plain = GATEWAY('plain') + SERVICE
    assert.equal(settings(readManifests(plain)).healthChecks, undefined)
    assert.equal(check(plain + ARTICLE).timeoutMs, 3000)
  })

  const deployment = (container: string, selector = 'chat'): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: chat }
spec:
  selector: { matchLabels: { app: ${selector} } }
  template:
    metadata: { labels: { app: ${selector}, tier: front } }
    spec:
      containers:
      - { name: sidecar, readinessProbe: { httpGet: { path: /sidecar, port: 15020 } } }
      - ${container}
---`
  const ready =
    '{ name: app, ports: [{ name: web, containerPort: 3000 }], readinessProbe: { httpGet: { path: /ready, port: web }, periodSeconds: 7, failureThreshold: 2 } }'

  test("the Pods' readinessProbe of the served port, named ports resolved, sidecars passed over", () => {
    const found = check(AGC + deployment(ready))
    assert.ok(found.probe.kind === 'http')
    assert.equal(found.probe.path, '/ready')
    assert.deepEqual(
      [found.intervalMs, found.timeoutMs, found.healthyThreshold, found.unhealthyThreshold],
      [7000, 1000, 1, 2],
    )
  })

  test('a policy comes before the readinessProbe, a probe of other Pods or of another port does not count', () => {
    const pathOf = (text: string, port?: number): string => {
      const { probe } = check(text, port === undefined ? {} : { port })
      return probe.kind === 'http' ? probe.path : probe.kind
    }
    assert.equal(pathOf(AGC + deployment(ready) + ARTICLE), '/health')
    assert.equal(pathOf(AGC + deployment(ready, 'other')), '/')
    assert.equal(pathOf(AGC + deployment(ready), 9000), '/')
  })

  test('a Pod counts like a Deployment', () => {
    const pod = `
apiVersion: v1
kind: Pod
metadata: { name: chat-1, labels: { app: chat } }
spec: { containers: [{ name: app, readinessProbe: { httpGet: { path: /pod, port: 3000, scheme: HTTPS } } }] }
---`
    const found = check(AGC + pod)
    assert.equal(found.probe.kind === 'http' && found.probe.path, '/pod')
    assert.equal(found.tls, 'unverified')
  })
})

describe('what a policy says', () => {
  const probed = (config: string, asked?: Asked): HealthCheck =>
    check(AGC + policy(`{ ${target}, default: ${config} }`), asked)

  test('status codes, body, host', () => {
    const { probe } = probed(
      '{ http: { host: chat.test, match: { body: ok, statusCodes: [{ start: 426, end: 426 }, { start: 200, end: 204 }] } } }',
    )
    assert.ok(probe.kind === 'http')
    assert.equal(probe.host, 'chat.test')
    assert.deepEqual(probe.expected, [
      { first: 426, last: 426 },
      { first: 200, last: 204 },
    ])
    assert.deepEqual(probe.expectedBody, [{ kind: 'bytes', bytes: Buffer.from('ok') }])
  })

  test('gRPC with its service and authority', () => {
    const { probe } = probed('{ grpc: { service: chat.v1, authority: chat.test } }', { protocol: 'grpc' })
    assert.ok(probe.kind === 'grpc')
    assert.deepEqual([probe.service, probe.authority], ['chat.v1', 'chat.test'])
  })

  test('TLS: as the Service on its own port, in the clear on another, as told when told', () => {
    const tlsOf = (config: string, tls = true): string => probed(config, { tls }).tls
    assert.equal(tlsOf('{ interval: 1s }'), 'cluster')
    assert.equal(tlsOf('{ port: 8080 }'), 'cluster')
    assert.equal(tlsOf('{ port: 7000 }'), 'never')
    assert.equal(tlsOf('{ port: 7000, useTLS: true }'), 'cluster')
    assert.equal(tlsOf('{ useTLS: false }'), 'never')
    assert.equal(tlsOf('{ useTLS: true }', false), 'unverified')
  })

  test('a port of the Service means where that port leads', () => {
    assert.equal(probed('{ port: 9000 }').port, 9001)
    assert.equal(probed('{ port: 7000 }').port, 7000)
    assert.equal(probed('{ port: 8080 }').port, undefined)
  })

  test('sectionNames are names of ports, and beat a policy for the whole Service', () => {
    const named = policy(
      `{ targetRef: { group: "", kind: Service, name: chat, sectionNames: [admin] }, default: { interval: 9s } }`,
    )
    assert.equal(check(AGC + ARTICLE + named, { port: 9000 }).intervalMs, 9000)
    assert.equal(check(AGC + ARTICLE + named, { port: 8080 }).timeoutMs, 3000)
  })
})

describe('conditions', () => {
  const judged = (text: string, name = 'policy'): readonly string[] => {
    const manifests = readManifests(text)
    judgePolicies(manifests.working, manifests.gateways)
    return manifests.conditions('alb.networking.azure.io', 'HealthCheckPolicy', name)
  }
  const reasons = (spec: string): readonly string[] => judged(AGC + policy(spec))

  test('a valid one', () => {
    assert.deepEqual(judged(AGC + ARTICLE, 'chat-health'), ['Accepted=True/Accepted', 'ResolvedRefs=True/ResolvedRefs'])
  })

  test('values that are out of range', () => {
    const invalid = ['Accepted=False/InvalidHealthCheckPolicy', 'ResolvedRefs=True/ResolvedRefs']
    const wrong = [
      'interval: 0s',
      'timeout: -1s',
      'healthyThreshold: 0',
      'unhealthyThreshold: -1',
      'http: { path: health }',
      'http: { path: "/a b" }',
      'http: { host: "a b" }',
      'http: { match: { statusCodes: [{ start: 300, end: 200 }] } }',
      'http: { match: { statusCodes: [{ start: 200 }] } }',
      'http: {}, grpc: {}',
    ]
    for (const config of wrong) assert.deepEqual(reasons(`{ ${target}, default: { ${config} } }`), invalid, config)
    assert.deepEqual(reasons(`{ ${target}, override: { interval: 1s } }`), invalid)
    assert.equal(reasons(`{ ${target}, default: { port: 70000 } }`)[0], 'Accepted=False/InvalidPort')
  })

  test('targets that are wrong', () => {
    const rows = [
      ['{ group: apps, kind: Deployment, name: chat }', 'InvalidGroup'],
      ['{ group: "", kind: Deployment, name: chat }', 'InvalidKind'],
      ['{ group: "", kind: Service, name: "Chat!" }', 'InvalidName'],
      ['{ group: "", kind: Service, name: nobody }', 'InvalidService'],
      ['{ group: "", kind: Service, name: chat, namespace: other }', 'RefNotPermitted'],
      ['{ group: "", kind: Service, name: chat, sectionNames: [nothing] }', 'InvalidPort'],
    ] as const
    for (const [reference, reason] of rows)
      assert.deepEqual(reasons(`{ targetRef: ${reference} }`), [
        `Accepted=False/${reason}`,
        `ResolvedRefs=False/${reason}`,
      ])
  })

  test('the refused one has no effect, and the finding names the field', () => {
    const manifests = readManifests(AGC + policy(`{ ${target}, default: { interval: 0s, timeout: 1s } }`))
    judgePolicies(manifests.working, manifests.gateways)
    assert.equal(settings(manifests).healthChecks?.[0]?.timeoutMs, 30_000)
    assert.deepEqual(manifests.findings(), [
      'error spec.default.interval: HealthCheckPolicy default/policy has no effect: interval must be greater than 0',
    ])
  })

  test('protocol: TCP, which old articles show, is an unknown field', () => {
    const manifests = readManifests(AGC + policy(`{ ${target}, default: { protocol: TCP } }`))
    assert.deepEqual(manifests.findings(), ['error spec.default.protocol: unknown field "protocol"'])
  })

  test('of two for one Service the older one counts', () => {
    const dated = (name: string, year: number): string =>
      policy(
        `{ ${target}, default: { interval: ${year % 100}s } }`,
        `name: ${name}, creationTimestamp: "${year}-01-01T00:00:00Z"`,
      )
    const text = AGC + dated('young', 2025) + dated('old', 2021)
    assert.equal(judged(text, 'young')[0], 'Accepted=False/Conflicted')
    assert.equal(judged(text, 'old')[0], 'Accepted=True/Accepted')
    assert.equal(check(text).intervalMs, 21_000)
  })
})

test('a policy from another namespace needs a grant, and holds only for Gateways of its own namespace', () => {
  const grant = `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: grant }
spec: { from: [{ group: alb.networking.azure.io, kind: HealthCheckPolicy, namespace: edge }], to: [{ group: "", kind: Service }] }
---`
  const foreign = policy(
    `{ targetRef: { group: "", kind: Service, name: chat, namespace: default }, default: { interval: 9s } }`,
    'name: policy, namespace: edge',
  )
  const intervalOf = (text: string): number => check(text).intervalMs
  assert.equal(intervalOf(GATEWAY('azure-alb-external', 'edge') + SERVICE + foreign), 5000)
  assert.equal(intervalOf(GATEWAY('azure-alb-external', 'edge') + SERVICE + foreign + grant), 9000)
  assert.equal(intervalOf(GATEWAY('azure-alb-external') + SERVICE + foreign + grant), 5000)
})

describe('annotations', () => {
  const annotated = (annotations: string): string => `
apiVersion: v1
kind: Service
metadata: { name: chat, annotations: { ${annotations} } }
spec: { ports: [{ name: ws, port: 8080 }] }
---`

  test('a WebSocket probe for a Service of any class', () => {
    const text = annotated(
      'sluice.dev/health-check: websocket, sluice.dev/health-check-path: /chat, sluice.dev/health-check-ping: "true", ' +
        'sluice.dev/health-check-subprotocols: "chat.v2, chat.v1", sluice.dev/health-check-interval: 2s',
    )
    const found = check(GATEWAY('plain') + text)
    assert.ok(found.probe.kind === 'websocket')
    assert.deepEqual(found.probe.subprotocols, ['chat.v2', 'chat.v1'])
    assert.deepEqual([found.probe.path, found.probe.ping, found.intervalMs], ['/chat', true, 2000])
  })

  test('a TCP probe, and none at all', () => {
    assert.equal(check(GATEWAY('azure-alb-external') + annotated('sluice.dev/health-check: tcp')).probe.kind, 'tcp')
    const none = readManifests(GATEWAY('azure-alb-external') + annotated('sluice.dev/health-check: none'))
    assert.equal(settings(none).healthChecks, undefined)
  })

  test('on a HealthCheckPolicy they change the probe, the numbers are the policy’s', () => {
    const found = check(
      AGC +
        policy(
          `{ ${target}, default: { interval: 4s, port: 9000 } }`,
          'name: policy, annotations: { sluice.dev/health-check: websocket }',
        ),
    )
    assert.deepEqual([found.probe.kind, found.intervalMs, found.port], ['websocket', 4000, 9001])
  })

  test('wrong ones are named', () => {
    const rows = [
      ['sluice.dev/health-check: udp', /is none of http, grpc, tcp, websocket, none/],
      ['sluice.dev/health-check: tcp, sluice.dev/health-check-paht: /', /no such annotation/],
      ['sluice.dev/health-check: http, sluice.dev/health-check-path: "/ HTTP/1.1"', /is not a path/],
      ['sluice.dev/health-check: tcp, sluice.dev/health-check-interval: 0s', /greater than 0/],
      ['sluice.dev/health-check-path: /', /has no effect without/],
    ] as const
    for (const [annotations, message] of rows) {
      const manifests = readManifests(GATEWAY('plain') + annotated(annotations))
      assert.equal(settings(manifests).healthChecks, undefined)
      assert.match(manifests.findings().join('\n'), message)
    }
  })
})

describe('the lint', () => {
  const named = (port: string): string => `
apiVersion: v1
kind: Service
metadata: { name: chat }
spec: { ports: [{ ${port} }] }
---`
  const warned = (text: string): boolean => {
    const manifests = readManifests(text)
    settings(manifests)
    return manifests.findings().some((finding) => /^warning spec\.ports\[0\]: .*plain GET \//.test(finding))
  }

  test('warns when a WebSocket backend is judged by a plain request', () => {
    const agc = GATEWAY('azure-alb-external')
    assert.ok(warned(agc + named('port: 8080, appProtocol: kubernetes.io/ws')))
    assert.ok(warned(agc + named('port: 8080, name: ws')))
    assert.ok(!warned(agc + named('port: 8080, name: news')))
    assert.ok(!warned(agc + named('port: 8080, name: ws') + ARTICLE))
    assert.ok(!warned(GATEWAY('plain') + named('port: 8080, name: ws')))
    const expected = policy(`{ ${target}, default: { http: { match: { statusCodes: [{ start: 426, end: 426 }] } } } }`)
    assert.ok(!warned(agc + named('port: 8080, name: ws') + expected))
  })
})
