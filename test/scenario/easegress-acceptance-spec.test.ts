// Acceptance cases of the Easegress dialect, 1 to 5: what is accepted, what is warned of, and what is refused with its
// line, by the real program.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { startEasegress, assertFaults, validate } from '../support/easegress-world.ts'
import { startEchoApp } from '../support/echo-app.ts'
import { nothingLeft } from '../support/leaks.ts'
import { webSocket } from '../support/websocket-client.ts'

after(nothingLeft)

/** Objects with lines that are wrong, marked with what must be said of them. */
async function refused(text: string): Promise<void> {
  const { code, output } = await validate(text)
  assert.equal(code, 1, output)
  assertFaults(text, output)
}

/** A pipeline of one WebSocketProxy; `pools` is what stands under `pools:`. */
const pipeline = (name: string, pools: string): string => `---
name: ${name}
kind: Pipeline
filters:
- kind: WebSocketProxy
  name: ws
  pools:${pools}
`

const pool = (more: string): string => `
  - servers: [{url: ws://127.0.0.1:1}]
${more}`

describe('Easegress objects', () => {
  test('case 1: the tutorial loads, and warnings name the keys that the vendor ignores', async () => {
    const { code, output } = await validate(`${pipeline(
      'websocket-pipeline',
      pool(`    healthCheck:
      interval: 60s
      pass: 1
      ws: {uri: /health}`),
    )}  defaultOrigin: http://127.0.0.1/hello
---
name: demo-server
kind: HTTPServer
port: 8080
rules:
- paths:
  - path: /ws
    clientMaxBodySize: -1
    backend: websocket-pipeline
`)
    assert.equal(code, 0, output)
    assert.match(output, /objects\.yaml:11:7: .*warning: pass is taken as passes/)
    assert.match(output, /objects\.yaml:13:3: .*warning: defaultOrigin has no effect/)
  })

  test('case 2: one main pool, and servers in it', () =>
    refused(
      `${pipeline(
        'none',
        `
  - servers: [{url: ws://127.0.0.1:1}] #! one main pool is required
    filter: {headers: {X-A: {exact: a}}}`,
      )}${pipeline(
        'two',
        `${pool('')}
  - servers: [{url: ws://127.0.0.1:2}] #! a second main pool`,
      )}${pipeline(
        'empty',
        `
  - servers: [] #! the pool has no servers`,
      )}${pipeline(
        'registry',
        `
  - serviceName: chat #! not supported by Sluice
    servers: [{url: ws://127.0.0.1:1}]`,
      )}`,
    ))

  test('case 3: weights and request matchers', () =>
    refused(
      `${pipeline(
        'weights',
        `
  - servers:
    - {url: ws://127.0.0.1:1, weight: 10}
    - {url: ws://127.0.0.1:2} #! not all servers have weight
    loadBalance: {policy: weightedRandom}`,
      )}${pipeline(
        'too-much',
        `
  - servers:
    - {url: ws://127.0.0.1:1, weight: 101} #! must be from 0 to 100`,
      )}${pipeline(
        'filters',
        `${pool('')}
  - servers: [{url: ws://127.0.0.1:2}]
    filter: {policy: general} #! policy general needs headers
  - servers: [{url: ws://127.0.0.1:2}]
    filter: {policy: ipHash, permil: 0} #! permil is not specified
  - servers: [{url: ws://127.0.0.1:2}]
    filter: {policy: ipHash, permil: 1001} #! permil must be from 1 to 1000
  - servers: [{url: ws://127.0.0.1:2}]
    filter: {headers: {X-A: {empty: true, exact: a}}} #! empty: true excludes
  - servers: [{url: ws://127.0.0.1:2}]
    filter: {headers: {X-A: {}}} #! all patterns are empty
  - servers: [{url: ws://127.0.0.1:2}]
    filter: {policy: headerHash, permil: 5} #! needs headerHashKey`,
      )}`,
    ))

  test('case 4: health checks', () =>
    refused(
      [
        '    healthCheck: {interval: 5s} #! the health check is empty',
        '    healthCheck: {http: {method: get}} #! "get" is not one of',
        '    healthCheck: {http: {username: ann}} #! username without password',
        '    healthCheck: {http: {match: {statusCodes: [[300, 200]]}}} #! the range 300 to 200 is descending',
        '    healthCheck: {ws: {match: {headers: [{value: x}]}}} #! needs name',
        '    healthCheck: {ws: {match: {headers: [{name: A, value: x, type: glob}]}}} #! "glob" is not one of',
        '    healthCheck: {http: {match: {body: {value: "(", type: regexp}}}} #! not a valid regular expression',
      ]
        .map((line, index) => pipeline(`p${index}`, pool(line)))
        .join(''),
    ))

  test('case 5: a scheme that cannot be dialled is refused; https is dialled as wss', async () => {
    await refused(
      pipeline(
        'tcp',
        `
  - servers:
    - url: tcp://x:1 #! the scheme "tcp" cannot be spoken to`,
      ),
    )
    const ca = await authority()
    const app = await startEchoApp({ tls: await ca.issue({ name: 'b' }) })
    const proxy = await startEasegress(
      `${pipeline(
        'tls',
        `
  - servers: [{url: "https://localhost:${app.port}"}]`,
      )}---
{name: web, kind: HTTPServer, port: 8080, rules: [{paths: [{backend: tls}]}]}
`,
      // Trusted as the vendor's Go program would: as a certificate of the system.
      { env: { NODE_EXTRA_CA_CERTS: ca.certificateFile } },
    )
    const client = await webSocket({ protocol: 'http1', port: proxy.port('web'), path: '/secure' })
    client.socket.send('hello')
    assert.equal(String((await client.next()).data), 'hello')
    await client.close()
    const visit = await app.visit('/secure')
    assert.equal(visit.headers.host, `localhost:${app.port}`)
    await proxy.stop()
    await app.stop()
  })
})
