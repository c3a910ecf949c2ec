// `sluice tunnel` through the proxies that companies run: squid and tinyproxy, with and without a password, and HTTP/2 hops
// of nghttpx and HAProxy. Over it go dialogues in which the server speaks first, ssh, git and rsync.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { authority } from '../support/certificates.ts'
import { bootstrap, cluster, listener } from '../support/envoy-config.ts'
import { freePorts, runForeign, startForeign } from '../support/foreign-program.ts'
import {
  type ForwardProxy,
  startHaproxyConnect,
  startNghttpx,
  startSquid,
  startTinyproxy,
} from '../support/forward-proxies.ts'
import { nothingLeft } from '../support/leaks.ts'
import { runSluice, startProxy } from '../support/proxy-process.ts'
import { type RunningCommand, startCommand } from '../support/sluice-command.ts'
import { startTcpTarget, type TcpTarget } from '../support/tcp-target.ts'
import { needs } from '../support/tools.ts'
import { terminatePost } from '../support/tunnel-config.ts'
import { until, within } from '../support/waiting.ts'

const LOGIN = { user: 'anna', password: 'open:sesame %20' }

let target: TcpTarget
let folder: string

before(async () => {
  target = await startTcpTarget()
  folder = mkdtempSync(join(tmpdir(), 'sluice-tunnel-'))
})

after(async () => {
  await target.stop()
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

const startTunnel = (
  via: string,
  to: number,
  more: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningCommand> => startCommand('tunnel', ['--via', via, '--to', `127.0.0.1:${to}`, ...more], env)

/** A dialogue like SMTP's: the server greets, each line is answered, the server says goodbye and closes. */
async function dialogue(port: number): Promise<void> {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.setEncoding('utf8')
  const far = await target.next()
  far.setEncoding('utf8')
  far.write('220 mail.test ready\r\n')
  assert.equal(await line(client), '220 mail.test ready\r\n')
  for (const word of ['EHLO me', 'MAIL FROM:<a@b>', 'QUIT']) {
    client.write(`${word}\r\n`)
    assert.equal(await line(far), `${word}\r\n`)
    far.write(`250 ${word}\r\n`)
    assert.equal(await line(client), `250 ${word}\r\n`)
  }
  far.end('221 bye\r\n')
  assert.equal(await line(client), '221 bye\r\n')
  client.resume()
  await within(once(client, 'end'), 'the end of the dialogue')
  client.end()
}

const line = async (socket: Socket): Promise<string> => {
  const [text]: unknown[] = await within(once(socket, 'data'), 'a line')
  return String(text)
}

type Starting = () => Promise<readonly ForwardProxy[]>

async function through(start: Starting, use: (port: number) => Promise<void>): Promise<void> {
  const proxies = await start()
  try {
    await use(proxies.at(-1)?.port ?? 0)
  } finally {
    for (const proxy of [...proxies].reverse()) await proxy.stop()
  }
}

describe('without a password', () => {
  const hops: readonly (readonly [string, readonly string[], Starting, readonly string[]])[] = [
    ['squid', ['squid'], async () => [await startSquid()], []],
    ['tinyproxy', ['tinyproxy'], async () => [await startTinyproxy()], []],
    [
      'nghttpx over HTTP/2, then squid',
      ['squid', 'nghttpx'],
      async () => {
        const squid = await startSquid()
        return [squid, await startNghttpx(squid.port)]
      },
      ['--http2'],
    ],
    [
      'HAProxy over HTTP/2, then tinyproxy',
      ['tinyproxy', 'haproxy'],
      async () => {
        const tinyproxy = await startTinyproxy()
        return [tinyproxy, await startHaproxyConnect(tinyproxy.port)]
      },
      ['--http2'],
    ],
  ]
  for (const [name, tools, start, flags] of hops) {
    test(`a dialogue passes ${name}`, needs(...tools), async () => {
      await through(start, async (proxyPort) => {
        const tunnel = await startTunnel(`http://127.0.0.1:${proxyPort}`, target.port, flags)
        await dialogue(tunnel.port)
        await dialogue(tunnel.port)
        await tunnel.stop()
      })
    })
  }
})

for (const flags of [[], ['--http2']]) {
  test(`--post ${flags.join('')} reaches a proxy that takes POST for CONNECT`, async () => {
    const far = await startProxy(
      bootstrap(
        [listener({ name: 'far', upgrades: [], routes: [terminatePost('target')] })],
        [cluster({ name: 'target', port: target.port })],
      ),
    )
    const tunnel = await startTunnel(`http://127.0.0.1:${far.port('far')}`, target.port, ['--post', ...flags])
    await dialogue(tunnel.port)
    assert.match(tunnel.program.output(), /POST/)
    await tunnel.stop()
    await far.stop()
  })
}

describe('with a password', () => {
  test('squid lets the right one in', needs('squid', 'openssl'), async () => {
    await through(
      async () => [await startSquid(LOGIN)],
      async (port) => {
        const login = `${LOGIN.user}:${encodeURIComponent(LOGIN.password)}`
        const tunnel = await startTunnel(`http://${login}@127.0.0.1:${port}`, target.port)
        await dialogue(tunnel.port)
        assert.ok(!tunnel.program.output().includes('sesame'), 'no password in the log')
        await tunnel.stop()
        const other = await startTunnel(`http://${LOGIN.user}@127.0.0.1:${port}`, target.port, [], {
          SLUICE_PROXY_PASSWORD: LOGIN.password,
        })
        await dialogue(other.port)
        await other.stop()
      },
    )
  })

  for (const flags of [[], ['--http2']]) {
    test(`over TLS to the proxy ${flags.join('')}`, needs('squid', 'haproxy', 'openssl'), async () => {
      const ca = await authority()
      const leaf = await ca.issue({ name: 'localhost' })
      await through(
        async () => {
          const squid = await startSquid(LOGIN)
          return [squid, await startHaproxyConnect(squid.port, leaf)]
        },
        async (port) => {
          const login = `${LOGIN.user}:${encodeURIComponent(LOGIN.password)}`
          const tunnel = await startTunnel(`https://${login}@localhost:${port}`, target.port, flags, {
            NODE_EXTRA_CA_CERTS: ca.certificateFile,
          })
          await dialogue(tunnel.port)
          await tunnel.stop()
          // Without that authority the proxy's certificate is nobody's, and the tunnel is not opened.
          const other = await startTunnel(`https://${login}@localhost:${port}`, target.port, flags)
          const client = connect(other.port, '127.0.0.1')
          client.resume()
          await within(
            once(client, 'close').catch(() => undefined),
            'the refusal',
          )
          await until(() => (/certificate/.test(other.program.output()) ? true : undefined), {
            what: 'the reason in the log',
            detail: other.program.output,
          })
          await other.stop()
        },
      )
    })
  }

  test('a wrong one is told in the log, and the client is closed', needs('squid', 'openssl'), async () => {
    await through(
      async () => [await startSquid(LOGIN)],
      async (port) => {
        const tunnel = await startTunnel(`http://anna:wrong@127.0.0.1:${port}`, target.port)
        const client = connect(tunnel.port, '127.0.0.1')
        client.resume()
        await within(
          once(client, 'close').catch(() => undefined),
          'the refusal',
        )
        await until(() => (/407/.test(tunnel.program.output()) ? true : undefined), {
          what: 'the status in the log',
          detail: tunnel.program.output,
        })
        assert.ok(!tunnel.program.output().includes('wrong'), 'no password in the log')
        await tunnel.stop()
      },
    )
  })
})

describe('programs of others over squid', () => {
  test('git clones', needs('squid', 'git'), async () => {
    const source = join(folder, 'source')
    mkdirSync(source)
    const git = (...args: readonly string[]): ReturnType<typeof runForeign> =>
      runForeign('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-C', source, ...args])
    await git('init', '-q')
    writeFileSync(join(source, 'file'), 'x'.repeat(3_000_000))
    await git('add', 'file')
    await git('commit', '-qm', 'first')
    const { port: daemonPort } = await freePorts('port')
    const daemon = await startForeign({
      name: 'git',
      args: () => [
        'daemon',
        ...['--listen=127.0.0.1', `--port=${daemonPort}`, '--export-all', `--base-path=${folder}`, '--reuseaddr'],
      ],
      ports: [daemonPort],
    })
    await through(
      async () => [await startSquid()],
      async (port) => {
        const tunnel = await startTunnel(`http://127.0.0.1:${port}`, daemonPort)
        const copy = join(folder, 'copy')
        const { code, output } = await runForeign('git', ['clone', '-q', `git://127.0.0.1:${tunnel.port}/source`, copy])
        assert.equal(code, 0, output)
        assert.equal(readFileSync(join(copy, 'file'), 'utf8').length, 3_000_000)
        await tunnel.stop()
      },
    )
    await daemon.stop()
  })

  test('rsync copies', needs('squid', 'rsync'), async () => {
    const data = join(folder, 'data')
    mkdirSync(data)
    writeFileSync(join(data, 'big'), 'y'.repeat(2_000_000))
    const { port: daemonPort } = await freePorts('port')
    const daemon = await startForeign({
      name: 'rsync',
      config: (own) => `pid file = ${own}/rsync.pid\nuse chroot = no\n[data]\n  path = ${data}\n  read only = yes\n`,
      args: (file) => ['--daemon', '--no-detach', `--port=${daemonPort}`, '--address=127.0.0.1', `--config=${file}`],
      ports: [daemonPort],
    })
    await through(
      async () => [await startSquid()],
      async (port) => {
        const tunnel = await startTunnel(`http://127.0.0.1:${port}`, daemonPort)
        const copy = join(folder, 'rsynced')
        const { code, output } = await runForeign('rsync', ['-a', `rsync://127.0.0.1:${tunnel.port}/data/`, `${copy}/`])
        assert.equal(code, 0, output)
        assert.equal(readFileSync(join(copy, 'big'), 'utf8').length, 2_000_000)
        await tunnel.stop()
      },
    )
    await daemon.stop()
  })

  test('ssh logs in', needs('squid', 'ssh', 'sshd'), async () => {
    const key = join(folder, 'key')
    await runForeign('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    const { port: sshdPort } = await freePorts('port')
    mkdirSync('/run/sshd', { recursive: true })
    const sshd = await startForeign({
      name: 'sshd',
      config: (own) =>
        [
          `Port ${sshdPort}`,
          'ListenAddress 127.0.0.1',
          `HostKey ${key}`,
          `AuthorizedKeysFile ${key}.pub`,
          `PidFile ${own}/sshd.pid`,
          'StrictModes no',
          'UsePAM no',
          'PermitRootLogin yes',
          '',
        ].join('\n'),
      args: (file) => ['-D', '-e', '-f', file],
      ports: [sshdPort],
    })
    await through(
      async () => [await startSquid()],
      async (port) => {
        const tunnel = await startTunnel(`http://127.0.0.1:${port}`, sshdPort)
        const { code, stdout } = await runForeign('ssh', [
          ...['-p', String(tunnel.port), '-i', key, '-o', 'StrictHostKeyChecking=no'],
          ...['-o', `UserKnownHostsFile=${folder}/known`, '-o', 'LogLevel=ERROR', '-o', 'BatchMode=yes'],
          '127.0.0.1',
          'echo over the tunnel; head -c 1000000 /dev/zero | wc -c',
        ])
        assert.equal(code, 0)
        assert.equal(stdout, 'over the tunnel\n1000000\n')
        await tunnel.stop()
      },
    )
    await sshd.stop()
  })
})

test('--print-config prints what runs', async () => {
  const args = ['tunnel', '--listen', '127.0.0.1:0', '--via', 'http://proxy.test:3128', '--to', 'host.test:22']
  const printed = runSluice([...args, '--print-config'])
  assert.equal(await printed.exited, 0)
  assert.match(printed.stdout(), /hostname: host\.test:22/)
  const file = join(folder, 'printed.yaml')
  writeFileSync(file, printed.stdout())
  const checked = runSluice(['validate', '-c', file])
  assert.equal(await checked.exited, 0, checked.output())
})

test('wrong flags are told what would be right', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--listen', '1', '--via', 'ftp://x', '--to', 'a:1'], /expected http:\/\/proxy:3128/],
    [['--listen', '1', '--via', 'http://u@x', '--to', 'a:1'], /SLUICE_PROXY_PASSWORD/],
    [['--listen', '1', '--via', 'http://x', '--to', 'a'], /expected host:port/],
    [['--listen', '1', '--via', 'http://x', '--to', 'a:0'], /expected host:port/],
    [['--listen', '1', '--to', 'a:1'], /required option '--via/],
    [['--listen', '1', '--via', 'http://u:%zz@x', '--to', 'a:1'], /percent-encoded/],
  ]
  for (const [flags, message] of cases) {
    const run = runSluice(['tunnel', ...flags])
    assert.equal(await run.exited, 2)
    assert.match(run.stderr(), message)
  }
})

test('an address that is refused is not repeated with its password', async () => {
  const secret = "s3'cret/x is invalid"
  const tunnel = ['tunnel', '--listen', '1', '--to', 'a:1', '--via']
  for (const [args, message] of [
    [[...tunnel, `http://u:${secret}@x/path?q`], /argument is invalid\. /],
    [[...tunnel, `u:${secret}@x:3128`], /argument is invalid\. expected http/],
    [[...tunnel, `http://u:${secret}@x:99999`], /argument is invalid\. expected http/],
    [['upstream', `ftp://u:${secret}@x`], /is invalid for argument 'url'\. expected/],
    [['upstream', `http://u:${encodeURIComponent(secret)}@x`], /credentials in the address are not supported/],
  ] as const) {
    const run = runSluice(args)
    assert.equal(await run.exited, 2)
    assert.match(run.stderr(), message)
    assert.doesNotMatch(run.stderr(), /s3'cret/)
  }
})
