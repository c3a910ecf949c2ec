// AGC's diagnostic access log: names of the fields, everything text, `-` for what is missing, secrets hidden.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agcAccessLog } from '../../../../src/config/model/agc-access-log.ts'
import { NOWHERE } from '../../../../src/config/model/place.ts'
import { compileJson } from '../../../../src/format/compile-json.ts'
import { redactQuery } from '../../../../src/format/redacted-query.ts'
import type { StreamFacts } from '../../../../src/format/stream-facts.ts'
import { exchangeFacts, requestHead, responseHead } from '../../../support/exchange-facts.ts'

interface Line {
  readonly [field: string]: string | Readonly<Record<string, string>>
  readonly properties: Readonly<Record<string, string>>
}

function line(changes: Partial<StreamFacts> = {}, origin?: { resourceId: string; location: string }): Line {
  const { format } = agcAccessLog({ kind: 'stdout' }, NOWHERE, origin)
  assert.ok(format.kind === 'json')
  return JSON.parse(compileJson(format.fields, format)(exchangeFacts(changes)))
}

const PROPERTIES = [
  'backendHost',
  'backendIp',
  'backendPort',
  'backendResponseLatency',
  'backendTimeTaken',
  'clientIp',
  'frontendName',
  'frontendPort',
  'hostName',
  'httpMethod',
  'httpStatusCode',
  'httpVersion',
  'referer',
  'requestBodyBytes',
  'requestHeaderBytes',
  'requestUri',
  'responseBodyBytes',
  'responseHeaderBytes',
  'timeTaken',
  'tlsCipher',
  'tlsProtocol',
  'trackingId',
  'userAgent',
]

test('the envelope and the properties have the names of the schema, and every property is text', () => {
  const written = line()
  assert.deepEqual(Object.keys(written).sort(), [
    'category',
    'location',
    'operationName',
    'properties',
    'resourceId',
    'time',
  ])
  assert.deepEqual(Object.keys(written.properties).sort(), PROPERTIES)
  for (const [name, value] of Object.entries(written.properties)) assert.equal(typeof value, 'string', name)
  assert.equal(written['category'], 'TrafficControllerAccessLog')
  assert.equal(written['operationName'], 'ReqRespLogs')
})

test('a WebSocket that was open for eight seconds', () => {
  const request = requestHead([], {
    path: '/chat?token=abc&room=1',
    authority: 'chat.test',
  })
  const { properties, ...envelope } = line({ request, response: responseHead() })
  assert.equal(envelope['time'], '2026-11-21T03:27:09.146Z')
  assert.equal(properties['requestUri'], '/chat?token=<redacted>&room=1')
  assert.equal(properties['hostName'], 'chat.test')
  assert.equal(properties['trackingId'], request.headers.get('x-request-id'))
  assert.equal(properties['userAgent'], request.headers.get('user-agent') ?? '-')
  assert.equal(properties['httpStatusCode'], '101')
  assert.equal(properties['timeTaken'], '8100')
  assert.equal(properties['backendResponseLatency'], '4')
  assert.equal(properties['backendTimeTaken'], '7998')
  assert.equal(properties['backendHost'], '127.0.0.1:3000')
  assert.equal(properties['backendIp'], '127.0.0.1')
  assert.equal(properties['backendPort'], '3000')
  assert.equal(properties['requestBodyBytes'], '1200')
  assert.equal(properties['responseBodyBytes'], '4600')
  assert.equal(properties['frontendPort'], '10000')
})

test('what is not known is a dash', () => {
  const { properties, ...envelope } = line({ upstream: undefined, request: requestHead() })
  for (const name of ['backendHost', 'backendIp', 'backendPort', 'referer', 'tlsCipher', 'tlsProtocol'])
    assert.equal(properties[name], '-', name)
  assert.equal(envelope['resourceId'], '-')
  assert.equal(envelope['location'], '-')
})

test('a tunnel whose upstream has not ended takes until its own end', () => {
  const { times } = exchangeFacts()
  const { properties } = line({ times: { ...times, upstreamResponseEnd: undefined } })
  assert.equal(properties['backendTimeTaken'], '8098')
})

test('the envelope names its resource when it was told', () => {
  const { resourceId, location } = line({}, { resourceId: '/subscriptions/1', location: 'westeurope' })
  assert.deepEqual([resourceId, location], ['/subscriptions/1', 'westeurope'])
})

test('values of parameters that look like secrets are hidden, however their names are written', () => {
  const rows = [
    ['/chat?token=abc', '/chat?token=<redacted>'],
    ['/chat?a=1&PassWord=x&b=2', '/chat?a=1&PassWord=<redacted>&b=2'],
    ['/chat?to%6ben=abc', '/chat?to%6ben=<redacted>'],
    [
      '/chat?personal.access.token=a&sas=b&pat=c',
      '/chat?personal.access.token=<redacted>&sas=<redacted>&pat=<redacted>',
    ],
    ['/chat?a=1;key=2', '/chat?a=1;key=<redacted>'],
    ['/chat?token=a=b', '/chat?token=<redacted>'],
    ['/chat?%zz=1&key=2', '/chat?%zz=1&key=<redacted>'],
    ['/chat?tokens=1&mytoken=2', '/chat?tokens=1&mytoken=2'],
    ['/chat?token', '/chat?token'],
    ['/key=1', '/key=1'],
  ]
  for (const [uri = '', expected] of rows) assert.equal(redactQuery(uri), expected)
})
