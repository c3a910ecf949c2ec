// Mistakes in Easegress objects: each is told at the line where it stands, in words that say what is wrong.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { printDiagnostics } from '../../../../src/config/diagnostics.ts'
import { loadEasegress } from '../../../../src/config/easegress/index.ts'
import { assertFaults } from '../../../support/easegress-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-users-'))
const users = join(folder, 'users')
writeFileSync(users, 'ann:$apr1$abcdefgh$1234567890123456789012\nbob:$6$salt$hash\n')
after(() => rmSync(folder, { recursive: true }))

/** An HTTPServer; `more` are fields of it, `paths` its paths. */
const server = (more: string, paths = '  - {path: /ws, backend: p}'): string => `
name: web
kind: HTTPServer
port: 8080
${more}
rules:
- paths:
${paths}
---
{name: p, kind: Pipeline, filters: [{kind: Mock, name: m, rules: [{code: 200}]}]}
`

/** A pipeline of these filters. */
const pipeline = (filters: string, more = ''): string => `
name: p
kind: Pipeline
${more}
filters:
${filters}
`

const websocket = (pool: string): string =>
  pipeline(`
- kind: WebSocketProxy
  name: ws
  pools:
  - servers: [{url: ws://127.0.0.1:1}]
${pool}`)

const PROXY = '{servers: [{url: http://127.0.0.1:1}]}'

/** What must be said stands behind `#!` on the line where it must be said. */
const MISTAKES: Readonly<Record<string, string>> = {
  'a kind that is misspelt': 'name: a\nkind: HTTPserver #! there is no object of kind',
  'a kind that Sluice has not': 'name: a\nkind: MQTTProxy #! MQTTProxy is known to Easegress but not supported',
  'the kind of old versions': 'name: a\nkind: WebSocketServer #! not supported by Sluice',
  'an object without name': 'kind: Pipeline #! needs name\nfilters: []',
  'two objects of one name': `${server('')}---\nkind: Pipeline\nname: web #! a second object is named "web"\nfilters: []`,
  'YAML that is none': 'name: a\nkind: Pipeline\nfilters: {] #! flow map',
  'a server without port': 'name: web #! needs port\nkind: HTTPServer\nrules: []',
  'a port that is none': 'name: web\nkind: HTTPServer\nport: 99999 #! must be from 1 to 65535',
  'a port in quotes': 'name: web\nkind: HTTPServer\nport: "8080" #! expected a whole number',
  'a field that is misspelt': server('maxConnection: 10 #! unknown field "maxConnection"'),
  'HTTP/3': server('http3: true #! http3 is known to Easegress but not supported'),
  'automatic certificates': server('autoCert: true #! autoCert is known to Easegress'),
  'the radix tree': server('routerKind: RadixTree #! not supported by Sluice'),
  tracing: server('tracing: {serviceName: a} #! tracing is known to Easegress but not supported'),
  'a certificate that is none': server('https: true\nkeyBase64: aGFsbG8=\ncertBase64: "%%" #! is no base64 text'),
  'a duration that is none': server('keepAliveTimeout: 60 seconds #! expected a duration'),
  'a path without slash': server('', '  - {path: ws, backend: p} #! must begin with a slash'),
  'a path without backend': server('', '  - {path: /ws} #! needs backend'),
  'an expression that is none': server('', '  - {pathRegexp: "(", backend: p} #! not a valid regular expression'),
  'a method in small letters': server('', '  - {path: /ws, methods: [get], backend: p} #! "get" is not one of'),
  'a header rule without values': server(
    '',
    '  - {path: /ws, headers: [{key: A}], backend: p} #! both values and regexp',
  ),
  'an address that is none': server('ipFilter:\n  allowIPs:\n  - 10.0.0.0/33 #! is no IP address or network'),
  'a field of the access log that is none': server('accessLogFormat: "{{Tme}}" #! there is no field {{Tme}}'),
  'credentials in the access log': server('accessLogFormat: "{{ReqHeaders}}" #! not supported by Sluice'),
  'a variable that is none': server(
    '',
    '  - {path: /ws, backend: p, setHeaders: {A: "$hst"}} #! there is no variable $hst',
  ),
  'two servers on one port': `${server('')}---\nname: other\nkind: HTTPServer\nport: 8080 #! HTTPServer "web" has the same\nrules: []`,
  'a filter that is misspelt': pipeline('- {kind: WebsocketProxy, name: ws} #! there is no filter "WebsocketProxy"'),
  'a filter that Sluice has not': pipeline(
    '- {kind: WasmHost, name: wasm} #! the filter WasmHost is known to Easegress',
  ),
  'a flow that names nobody': pipeline(
    '- {kind: Mock, name: m, rules: [{code: 200}]}',
    'flow:\n- filter: mm #! the pipeline has no filter "mm"',
  ),
  'a result that is none': pipeline(
    '- {kind: Mock, name: m, rules: [{code: 200}]}',
    'flow:\n- {filter: m, jumpIf: {mock: END}} #! "mock" is no result of this filter',
  ),
  'a jump backward': pipeline(
    '- {kind: Mock, name: m, rules: [{code: 200}]}\n- {kind: Mock, name: n, rules: [{code: 200}]}',
    'flow:\n- {filter: m}\n- {filter: n, jumpIf: {mocked: m}} #! jumps go forward only',
  ),
  'two filters of one name': pipeline(
    '- {kind: Mock, name: m, rules: [{code: 200}]}\n- {kind: Mock, name: m, rules: [{code: 200}]} #! a second filter',
  ),
  'two proxies in a row': pipeline(
    `- {kind: Proxy, name: a, pools: [${PROXY}]}\n- {kind: Proxy, name: b, pools: [${PROXY}]} #! two proxies one after another`,
  ),
  'a check behind the proxy': pipeline(
    `- {kind: Proxy, name: a, pools: [${PROXY}]}\n- {kind: Validator, name: v, headers: {A: {values: [b]}}} #! it works on the request`,
  ),
  'a policy that is none': pipeline(
    `- {kind: Proxy, name: a, pools: [{servers: [{url: http://127.0.0.1:1}], retryPolicy: r}]} #! no resilience policy "r"`,
  ),
  'a limit that is no number': websocket('    clientMaxMsgSize: 1MB #! expected a whole number'),
  'a registry': websocket('    serviceRegistry: consul #! serviceRegistry is known to Easegress but not supported'),
  'a sticky session without its cookie': websocket(
    '    loadBalance: {stickySession: {mode: CookieConsistentHash}} #! needs appCookieName',
  ),
  'a hash without header': websocket('    loadBalance: {policy: headerHash} #! needs headerHashKey'),
  'the policy of gRPC': websocket('    loadBalance: {policy: forward} #! policy forward is known to Easegress'),
  'TLS for half of a pool': pipeline(`
- kind: WebSocketProxy
  name: ws
  pools:
  - servers:
    - url: ws://127.0.0.1:1
    - url: wss://127.0.0.1:2 #! servers with TLS and servers without`),
  'a body expected of a handshake': websocket(
    '    healthCheck: {ws: {match: {body: {value: ok}}}} #! has no body: this check could never succeed',
  ),
  'a token without secret': pipeline('- {kind: Validator, name: v, jwt: {algorithm: HS256}} #! needs secret'),
  'a Validator of nothing': pipeline('- {kind: Validator, name: v} #! the Validator checks nothing'),
  'a user file that is not there': pipeline(
    '- {kind: Validator, name: v, basicAuth: {userFile: /no/such/file}} #! cannot read the file',
  ),
  'a password hash that nobody can check': pipeline(
    `- {kind: Validator, name: v, basicAuth: {userFile: ${users}}} #! line 2 of the file: this kind of password hash`,
  ),
  'a rate limit without policy': pipeline(
    '- {kind: RateLimiter, name: r, policies: [{name: a}], urls: [{url: {prefix: /}, policyRef: b}]} #! policy "b" is not defined',
  ),
  'a template that is none': pipeline(
    '- {kind: RequestBuilder, name: r, template: "method: {{ .rq.Method }}"} #! is not supported in templates',
  ),
  'a GlobalFilter of nothing': 'name: g #! neither beforePipeline nor afterPipeline\nkind: GlobalFilter',
}

for (const [what, text] of Object.entries(MISTAKES)) {
  test(`${what} is told at its line`, async () => {
    const { config, diagnostics } = await loadEasegress([{ kind: 'text', name: 'objects.yaml', text }])
    const output = printDiagnostics(diagnostics, () => text)
    assert.equal(config, undefined, output)
    assertFaults(text, output)
  })
}

test('what a GlobalFilter puts behind a proxy is told once, however many servers use it', async () => {
  const text = `
name: g
kind: GlobalFilter
afterPipeline:
  filters:
  - {kind: Validator, name: v, headers: {A: {values: [b]}}} #! it works on the request
---
name: p
kind: Pipeline
filters: [{kind: Proxy, name: a, pools: [${PROXY}]}]
---
{name: one, kind: HTTPServer, port: 1, globalFilter: g, rules: [{paths: [{path: /a, backend: p}, {path: /b, backend: p}]}]}
---
{name: two, kind: HTTPServer, port: 2, globalFilter: g, rules: [{paths: [{backend: p}]}]}
`
  const { diagnostics } = await loadEasegress([{ kind: 'text', name: 'objects.yaml', text }])
  assertFaults(
    text,
    printDiagnostics(diagnostics, () => text),
  )
  assert.equal(diagnostics.filter(({ severity }) => severity === 'error').length, 1)
})
