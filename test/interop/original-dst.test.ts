// The original destination of connections that Linux's packet filter really redirects, in a network namespace of the test's
// own. Needs root; skipped by name where it is not to be had.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { bootstrap, listener, route, type YamlMap, yamlText } from '../support/envoy-config.ts'
import { nothingLeft } from '../support/leaks.ts'
import { runForeign } from '../support/foreign-program.ts'
import { listenerFilter } from '../support/network-config.ts'
import { runSluice } from '../support/proxy-process.ts'
import { needs } from '../support/tools.ts'
import { tcpListener } from '../support/tunnel-config.ts'

const PROGRAM = fileURLToPath(new URL('../support/redirected-listener.ts', import.meta.url))
const REDIRECT = '-t nat -A OUTPUT -p tcp --dport 9999 -j REDIRECT --to-ports 10000'

/** Commands before the program: loopback up, then the rules. */
const SETUP = `ip link set lo up && iptables ${REDIRECT} && ip6tables ${REDIRECT}`

function allowed(): { skip?: string } {
  const missing = needs('unshare', 'ip', 'iptables')
  if (missing.skip !== undefined) return missing
  const { status } = spawnSync('unshare', ['-n', 'sh', '-c', SETUP], { stdio: 'ignore' })
  return status === 0 ? {} : { skip: 'no network namespace with NAT rules can be made here (root is needed)' }
}

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-original-dst-'))
const config = join(folder, 'envoy.yaml')
const ENDS = '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_DIRECT_LOCAL_ADDRESS%'
const tell = {
  match: { prefix: '/' },
  direct_response: { status: 200 },
  response_headers_to_add: [{ header: { key: 'x-ends', value: ENDS } }],
}
const filters = { listener_filters: [listenerFilter('original_dst', 'OriginalDst')] }
writeFileSync(config, yamlText(bootstrap([listener({ name: 'web', port: 10_000, routes: [tell], more: filters })], [])))

const dialling = join(folder, 'dialling.yaml')
const ORIGINAL_DST: YamlMap = {
  name: 'wanted',
  connect_timeout: '2s',
  type: 'ORIGINAL_DST',
  lb_policy: 'CLUSTER_PROVIDED',
}
writeFileSync(
  dialling,
  yamlText(
    bootstrap(
      [
        tcpListener({ name: 'tcp', port: 10_000, cluster: 'wanted', more: filters }),
        listener({ name: 'http', port: 10_001, routes: [route('/', 'wanted')], more: filters }),
      ],
      [ORIGINAL_DST],
    ),
  ),
)

/** Says which address it was reached at. */
const ORIGIN = `
  const { createServer } = require("node:http")
  for (const [host, port] of [["127.0.0.77", 9999], ["127.0.0.88", 9998]])
    createServer((request, response) => {
      const { localAddress, localPort } = request.socket
      response.end(localAddress + ":" + localPort + " " + request.url + "\\n")
    }).listen(port, host)`

after(async () => {
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

test('without a way to ask the system, the start says so', async () => {
  const run = runSluice(['run', '-c', config], { NODE_OPTIONS: '--no-experimental-ffi' })
  assert.equal(await run.exited, 1, run.output())
  assert.match(run.stderr(), /^sluice: .*envoy\.yaml:\d+.*: listener filter original_dst cannot work here: .*node:ffi/m)
})

describe('original_dst', allowed(), () => {
  for (const engine of ['', 'net']) {
    test(`finds where a redirected client wanted to go${engine === '' ? '' : ', on net sockets'}`, async () => {
      const script = `${SETUP} && exec ${process.execPath} --no-warnings ${PROGRAM} 9999 10000`
      const env: Record<string, string> = engine === '' ? {} : { SLUICE_SOCKET_ENGINE: engine }
      const { code, output, stdout } = await runForeign('unshare', ['-n', 'sh', '-c', script], env)
      assert.equal(code, 0, output)
      const redirected = (address: string, local: string): unknown => ({
        local: `${address}:9999`,
        directLocal: local,
        originalDestination: `${address}:9999`,
      })
      const direct = (address: string): unknown => ({ local: `${address}:10000` })
      assert.deepEqual(JSON.parse(stdout), {
        '127.0.0.1 10000': direct('127.0.0.1'),
        '127.0.0.1 9999': redirected('127.0.0.1', '127.0.0.1:10000'),
        '127.0.0.77 10000': direct('127.0.0.77'),
        // The system redirects to the first address of the interface.
        '127.0.0.77 9999': redirected('127.0.0.77', '127.0.0.1:10000'),
        '::1 10000': direct('[::1]'),
        '::1 9999': redirected('[::1]', '[::1]:10000'),
      })
    })
  }

  test('is what routes and logs of the real program see', needs('curl'), async () => {
    const curl = 'curl --silent --include --max-time 5 --retry 40 --retry-connrefused --retry-delay 1'
    const script = `${SETUP} || exit 9
      ${process.execPath} ${MAIN} run -c ${config} --drain-time-s 0 >${folder}/output 2>&1 &
      ${curl} http://127.0.0.77:9999/
      kill $!; wait $!`
    const { stdout, output } = await runForeign('unshare', ['-n', 'sh', '-c', script])
    const seen = [...stdout.matchAll(/^x-ends: (.*)\r$/gm)].map(([, ends]) => ends)
    assert.deepEqual(seen, ['127.0.0.77:9999 127.0.0.1:10000'], output)
  })

  test('is what an ORIGINAL_DST cluster dials, for TCP and for requests', needs('curl', 'setpriv'), async () => {
    // Only the client's connections are redirected; the proxy's own, to the same address, are not.
    const rule = (from: number, to: number): string =>
      `iptables -t nat -A OUTPUT -p tcp --dport ${from} -m owner --uid-owner 65534 -j REDIRECT --to-ports ${to}`
    const script = `ip link set lo up && ${rule(9999, 10_000)} && ${rule(9998, 10_001)} || exit 9
      ${process.execPath} --no-warnings -e '${ORIGIN}' &
      origin=$!
      ${process.execPath} ${MAIN} run -c ${dialling} --drain-time-s 0 >${folder}/output 2>&1 &
      proxy=$!
      for i in $(seq 100); do grep -q 10001 ${folder}/output && break; sleep 0.1; done
      as_client() { setpriv --reuid=65534 --clear-groups curl --silent --max-time 5 "$@"; }
      as_client http://127.0.0.77:9999/tcp; as_client http://127.0.0.88:9998/http
      as_client http://127.0.0.66:9998/nobody | head -c 40
      kill $proxy; wait $proxy; kill $origin`
    const { stdout, output } = await runForeign('unshare', ['-n', 'sh', '-c', script])
    assert.deepEqual(stdout.split('\n').slice(0, 2), ['127.0.0.77:9999 /tcp', '127.0.0.88:9998 /http'], output)
  })
})
