// The command line as scripts use it: exit codes, one sentence for each thing that can be wrong, Envoy's flags.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { type EchoApp, startEchoApp } from '../support/echo-app.ts'
import { bootstrap, cluster, downstreamTls, listener, route, type YamlMap, yamlText } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { runSluice, startProxy } from '../support/proxy-process.ts'
import { until, within } from '../support/waiting.ts'
import { webSocket } from '../support/websocket-client.ts'

/** Each start takes most of a second of processor time: two at once. */
const PARALLEL = { concurrency: 2 }

let folder: string
let app: EchoApp

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-command-'))
  app = await startEchoApp()
})

after(async () => {
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

interface Outcome {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

async function run(...args: readonly string[]): Promise<Outcome> {
  const program = runSluice(args)
  const code = await within(program.exited, `the end of sluice ${args.join(' ')}`, 20_000)
  return { code, stdout: program.stdout(), stderr: program.stderr() }
}

let files = 0

function file(config: YamlMap | string): string {
  const path = join(folder, `envoy-${++files}.yaml`)
  writeFileSync(path, typeof config === 'string' ? config : yamlText(config))
  return path
}

const web = (more: Partial<Parameters<typeof listener>[0]> = {}): YamlMap =>
  bootstrap(
    [listener({ name: 'web', routes: [route('/', 'app')], ...more })],
    [cluster({ name: 'app', port: app.port })],
  )

/** That one line of `stderr` and nothing of a stack. */
function oneSentence(stderr: string, expected: RegExp): void {
  assert.match(stderr, expected)
  assert.equal(stderr.trim().split('\n').length, 1, stderr)
}

describe('exit code 0', PARALLEL, () => {
  test('--version and --help, of every command', async () => {
    assert.match((await run('--version')).stdout, /^\d+\.\d+\.\d+/)
    for (const args of [
      ['--help'],
      ['run', '--help'],
      ['validate', '--help'],
      ['demo', '--help'],
      ['upstream', '--help'],
    ]) {
      const { code, stdout } = await run(...args)
      assert.equal(code, 0, args.join(' '))
      assert.match(stdout, /Usage:[^]*Examples:/, args.join(' '))
    }
  })

  test('a valid configuration, checked in each way Envoy users check one', async () => {
    const path = file(web())
    for (const args of [
      ['validate', '-c', path],
      ['-c', path, '--mode', 'validate'],
      ['run', '--config-path', path, '--mode', 'validate', '--base-id', '3', '--concurrency', '2', '-l', 'warning'],
    ]) {
      const { code, stdout, stderr } = await run(...args)
      assert.equal(code, 0, stderr)
      assert.match(stdout, /OK/)
    }
  })
})

describe('exit code 1', PARALLEL, () => {
  test('a configuration with several faults names each with line and column', async () => {
    const { code, stderr } = await run('validate', '-c', file(web({ hcm: { stat_prefx: 'x', codec_type: 'HTTP9' } })))
    assert.equal(code, 1)
    assert.match(stderr, /envoy-\d+\.yaml:\d+:\d+: .*stat_prefx: no such field .*did you mean "stat_prefix"\?/)
    assert.match(stderr, /envoy-\d+\.yaml:\d+:\d+: .*codec_type.*HTTP9/)
    assert.match(stderr, /configuration refused: 2 errors/)
  })

  test('a field of Envoy that is not supported yet is told apart from one that does not exist', async () => {
    const { code, stderr } = await run('validate', '-c', file(web({ hcm: { tracing: {} } })))
    assert.equal(code, 1)
    assert.match(stderr, /envoy-\d+\.yaml:\d+:\d+: .*tracing: .*not supported/)
  })

  test('a file that is not there', async () => {
    const { code, stderr } = await run('-c', join(folder, 'nothing.yaml'))
    assert.equal(code, 1)
    assert.match(stderr, /nothing\.yaml/)
    assert.doesNotMatch(stderr, / {4}at /)
  })

  test('a port in use is one sentence with the place of the address', async () => {
    const { code, stderr } = await run('-c', file(web({ port: app.port })))
    assert.equal(code, 1)
    oneSentence(stderr, /^sluice: .*envoy-\d+\.yaml:\d+.*: cannot listen on 127\.0\.0\.1:\d+: the address is in use/)
  })

  test('an admin port in use too', async () => {
    const admin = { address: { socket_address: { address: '127.0.0.1', port_value: app.port } } }
    const { code, stderr } = await run('-c', file({ ...web(), admin }))
    assert.equal(code, 1)
    oneSentence(stderr, /^sluice: .*envoy-\d+\.yaml:\d+.*admin.*in use/)
  })

  test('certificates that cannot be read, are none, or do not fit their key name the field', async () => {
    const ca = await authority()
    const [one, other] = [await ca.issue({ name: 'one' }), await ca.issue({ name: 'other' })]
    for (const [leaf, expected] of [
      [{ ...one, certificateFile: '/nowhere/cert.pem' }, /certificate_chain.*\/nowhere\/cert\.pem/],
      [{ ...one, certificateFile: file('no certificate') }, /certificate_chain/],
      [{ ...one, keyFile: file('no key') }, /private_key/],
      [{ ...one, keyFile: other.keyFile }, /private_key|do(es)? not (match|fit|belong)/],
    ] as const) {
      const { code, stderr } = await run('-c', file(web({ tls: downstreamTls([leaf]) })))
      assert.equal(code, 1, stderr)
      assert.match(stderr, expected)
      assert.match(stderr, /envoy-\d+\.yaml:\d+/)
      assert.doesNotMatch(stderr, / {4}at |BEGIN PRIVATE/)
    }
  })
})

describe('exit code 2', PARALLEL, () => {
  for (const args of [
    ['--no-such-flag'],
    ['run'],
    ['-c', 'x.yaml', '--mode', 'sometimes'],
    ['-c', 'x.yaml', '-l', 'loud'],
    ['-c', 'x.yaml', '--drain-time-s', 'soon'],
    ['no-such-command'],
    ['ws://localhost:99999'],
    ['demo', '--port', 'x'],
  ]) {
    test(`sluice ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await run(...args)
      assert.equal(code, 2, stdout + stderr)
      assert.match(stderr, /^(error|sluice):/)
      assert.doesNotMatch(stderr, / {4}at /)
    })
  }
})

describe('what runs', () => {
  test('a host that does not resolve is a warning, and requests say so', async () => {
    const base = cluster({ name: 'app', port: 80 })
    const unknown = {
      ...base,
      type: 'STRICT_DNS',
      load_assignment: {
        cluster_name: 'app',
        endpoints: [
          {
            lb_endpoints: [
              { endpoint: { address: { socket_address: { address: 'nobody.invalid', port_value: 80 } } } },
            ],
          },
        ],
      },
    }
    const proxy = await startProxy(bootstrap([listener({ name: 'web', routes: [route('/', 'app')] })], [unknown]))
    const answer = await get(proxy.port('web'))
    assert.equal(answer.status, 503)
    assert.match(answer.reason, /nobody\.invalid/)
    await until(() => /warn.*nobody\.invalid|nobody\.invalid.*warn/.test(proxy.output()) || undefined, {
      what: 'a warning',
      detail: () => proxy.output(),
    })
    await proxy.stop()
  })

  test('--config-yaml is merged over the file; node and log flags are obeyed', async () => {
    const log = join(folder, 'program.log')
    const proxy = await startProxy(web(), {
      args: [
        '--config-yaml',
        'node: {id: from-yaml}',
        '--service-cluster',
        'mine',
        '--log-path',
        log,
        '-l',
        'info',
        '--drain-time-s',
        '0',
      ],
    })
    const info = (await proxy.admin('/server_info')).body
    assert.match(info, /"from-yaml"/)
    assert.match(info, /"mine"/)
    await proxy.stop()
    assert.match(readFileSync(log, 'utf8'), /listening on 127\.0\.0\.1:\d+/)
    assert.equal(proxy.output(), '')
  })

  test('sluice ws://… needs no file and is ready at once', async () => {
    const program = runSluice([`ws://127.0.0.1:${app.port}`, '--listen', '0'])
    const port = await until(() => /127\.0\.0\.1:(\d+)/.exec(program.output().replaceAll(String(app.port), ''))?.[1], {
      what: 'the address',
      detail: program.output,
    })
    for (const protocol of ['http1', 'http2'] as const) {
      const client = await webSocket({ protocol, port: Number(port), path: '/from-the-command-line' })
      client.socket.send('hello')
      assert.equal((await client.next()).data.toString(), 'hello')
      await client.close()
    }
    program.child.kill('SIGINT')
    assert.equal(await program.exited, 0)
  })

  test('sluice demo --once shows its visits and ends', async () => {
    const { code, stdout } = await run('demo', '--port', '0', '--admin-port', '0', '--once')
    assert.equal(code, 0)
    assert.match(stdout, /front .*open .*websocket .*HTTP\/1\.1 → HTTP\/2/)
    assert.match(stdout, /sidecar .*close .*HTTP\/2 → HTTP\/1\.1/)
  })
})

function get(port: number): Promise<{ status: number; reason: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/', agent: false }, (answer) => {
      answer.resume()
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, reason: String(answer.headers['x-sluice-reason']) }),
      )
    })
    asked.on('error', reject)
    asked.end()
  })
}

describe('objects and manifests', PARALLEL, () => {
  const MANIFESTS = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: sluice
  listeners: [{name: http, port: 8080, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat}
spec:
  parentRefs: [{name: web}]
  rules: [{backendRefs: [{name: nowhere, port: 80}]}]
`

  test('status prints the conditions and fails when one is not met', async () => {
    const { code, stdout, stderr } = await run('status', '-c', file(MANIFESTS), '--kind', 'HTTPRoute', '-o', 'json')
    assert.equal(code, 1, stderr)
    const list: {
      items: { status: { parents: { conditions: { type: string; status: string; reason: string }[] }[] } }[]
    } = JSON.parse(stdout)
    const [status] = list.items
    const conditions = status?.status.parents[0]?.conditions ?? []
    const said = conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`)
    assert.ok(said.includes('Accepted True Accepted'), said.join('; '))
    assert.ok(said.includes('ResolvedRefs False BackendNotFound'), said.join('; '))
  })

  test('status of anything else says that there is none', async () => {
    const { code, stderr } = await run('status', '-c', file(web()))
    assert.equal(code, 1)
    assert.match(stderr, /status is written for Kubernetes manifests/)
  })

  test('two dialects in one configuration are refused with the place of the second', async () => {
    const second = file('kind: Pipeline\nname: p\nfilters: []\n')
    const { code, stderr } = await run('validate', '-c', file(web()), '-c', second)
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`${second}:1:1: this is an Easegress object .* holds an Envoy bootstrap`))
  })

  test('a folder without configuration is named', async () => {
    const empty = mkdtempSync(join(folder, 'empty-'))
    const { code, stderr } = await run('validate', '-c', empty)
    assert.equal(code, 1)
    assert.match(stderr, /holds no \.yaml, \.yml or \.json file/)
  })

  test('convert prints Envoy YAML that validates', async () => {
    const { code, stdout, stderr } = await run('convert', '-c', file(web()))
    assert.equal(code, 0, stderr)
    const again = await run('validate', '-c', file(stdout))
    assert.equal(again.code, 0, again.stderr)
  })

  test('a part that convert wrote and a hand changed is refused', async () => {
    const objects = 'kind: HTTPServer\nname: s\nport: 8080\nrules: [{paths: [{path: /a, backend: none}]}]\n'
    const { stdout } = await run('convert', '-c', file(objects))
    assert.match(stdout, /sluice\.v1\.ModelPart/)
    const { code, stderr } = await run('validate', '-c', file(stdout.replace('refusal: nearest', 'refusal: not-found')))
    assert.equal(code, 1)
    assert.match(stderr, /was changed after sluice convert wrote it/)
  })

  test('ports that are no ports are wrong usage', async () => {
    const { code, stderr } = await run('run', '-c', file(web()), '--port-map', '80:8080')
    assert.equal(code, 2)
    assert.match(stderr, /expected two ports, such as 80=8080/)
  })
})
