// What `--print-config` prints is a file that does the same: it runs unchanged, and traffic passes.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePorts, runForeign } from '../support/foreign-program.ts'
import { type ForwardProxy, startNghttpx, startSquid } from '../support/forward-proxies.ts'
import { nothingLeft } from '../support/leaks.ts'
import { runSluice } from '../support/proxy-process.ts'
import { needs } from '../support/tools.ts'
import { until } from '../support/waiting.ts'

const LOGIN = { user: 'anna', password: 'open:sesame' }

let folder: string
let origin: Server
let originPort: number
let squid: ForwardProxy
let nghttpx: ForwardProxy

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-printed-'))
  origin = createServer((asked, answer) => answer.end(`origin ${asked.url}`))
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  const address = origin.address()
  originPort = typeof address === 'object' && address !== null ? address.port : 0
  squid = await startSquid(LOGIN)
  nghttpx = await startNghttpx(squid.port)
})

after(async () => {
  await nghttpx.stop()
  await squid.stop()
  origin.closeAllConnections()
  await new Promise((resolve) => origin.close(resolve))
  rmSync(folder, { recursive: true, force: true })
  await nothingLeft()
})

/** Prints what `flags` amount to, runs the file, and lets `use` try it. */
async function asFile(flags: readonly string[], use: () => Promise<void>): Promise<void> {
  const printed = runSluice([...flags, '--print-config'])
  assert.equal(await printed.exited, 0, printed.output())
  const file = join(folder, `${flags[0]}.yaml`)
  writeFileSync(file, printed.stdout())
  const program = runSluice(['-c', file, '--drain-time-s', '0'])
  await until(
    () => {
      if (program.ended !== undefined) throw new Error(`sluice ended with ${program.ended}:\n${program.output()}`)
      return program.output().includes('listening on') ? true : undefined
    },
    { what: 'the printed file to serve', ms: 30_000, detail: program.output },
  )
  try {
    await use()
  } finally {
    program.child.kill('SIGTERM')
    assert.equal(await program.exited, 0, program.output())
  }
  assert.doesNotMatch(program.output(), /warning|sesame/)
}

const curl = async (...args: readonly string[]): Promise<string> =>
  (await runForeign('curl', ['-sS', '--max-time', '10', ...args])).output

describe('a printed file', needs('squid', 'nghttpx', 'openssl', 'curl'), () => {
  for (const [name, flags, hop] of [
    ['over HTTP/1.1', [], () => squid],
    ['over HTTP/2', ['--http2'], () => nghttpx],
  ] as const) {
    test(`of sluice tunnel ${name}, with a password`, async () => {
      const { port } = await freePorts('port')
      const via = `http://${LOGIN.user}:${encodeURIComponent(LOGIN.password)}@127.0.0.1:${hop().port}`
      const to = `127.0.0.1:${originPort}`
      await asFile(['tunnel', '--listen', String(port), '--via', via, '--to', to, ...flags], async () => {
        assert.equal(await curl(`http://127.0.0.1:${port}/tunnelled`), 'origin /tunnelled')
      })
    })
  }

  test('of sluice proxy', async () => {
    const { port } = await freePorts('port')
    await asFile(['proxy', '--listen', String(port), '--allow', `127.0.0.1:${originPort}`], async () => {
      const proxied = ['-x', `http://127.0.0.1:${port}`]
      assert.equal(await curl(...proxied, '-p', `http://127.0.0.1:${originPort}/a`), 'origin /a')
      assert.equal(await curl(...proxied, `http://127.0.0.1:${originPort}/b`), 'origin /b')
      assert.match(await curl(...proxied, '-p', `http://127.0.0.1:${squid.port}/`), /403/)
    })
  })
})
