// The server side of the HTTP/2 codec with command-line clients of other projects: curl, nghttp, h2load.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { BLOCK, startHttp2Server } from '../support/http2-endpoint.ts'
import { nothingLeft } from '../support/leaks.ts'
import { needs } from '../support/tools.ts'

const server = await startHttp2Server()
const origin = `http://127.0.0.1:${server.port}`
const folder = mkdtempSync(join(tmpdir(), 'sluice-h2-'))
const upload = join(folder, 'body')
writeFileSync(upload, Buffer.concat(Array<Buffer>(40).fill(BLOCK)))

after(async () => {
  rmSync(folder, { recursive: true })
  await server.stop()
  await nothingLeft()
})

async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    timeout: 20_000,
    maxBuffer: 64 << 20,
    encoding: 'latin1',
  })
  return stdout
}

test('curl: headers and an upload of 2 MB that comes back', needs('curl'), async () => {
  const curl = (...args: readonly string[]): Promise<string> =>
    run('curl', '-sS', '--http2-prior-knowledge', '--noproxy', '*', ...args)
  const head = await curl('-i', '-H', 'x-a: 1', `${origin}/`)
  assert.match(head, /^HTTP\/2 200/)
  assert.match(head, /\nx-a: 1\r/)
  const echoed = await curl('--data-binary', `@${upload}`, `${origin}/echo`)
  assert.equal(echoed.length, 40 * BLOCK.length)
  assert.match(await curl('-I', `${origin}/bytes/5`), /content-length: 5/)
})

test('nghttp: many streams with priorities, padding and continuation', needs('nghttp'), async () => {
  const text = await run(
    'nghttp',
    '-v',
    '-n',
    '-m',
    '20',
    '-b',
    '200',
    '--continuation',
    '--trailer',
    'x-check: done',
    '-d',
    upload,
    `${origin}/echo`,
  )
  assert.equal(text.match(/recv \(stream_id=\d+\) :status: 200/g)?.length, 20)
  assert.doesNotMatch(text, /RST_STREAM|error_code=(?!NO_ERROR)/)
})

test('nghttp: a small table and window of its own', needs('nghttp'), async () => {
  const text = await run('nghttp', '-v', '-n', '-w', '10', '-W', '12', '-c', '0', '-m', '5', `${origin}/bytes/100000`)
  assert.equal(text.match(/recv \(stream_id=\d+\) :status: 200/g)?.length, 5)
  assert.doesNotMatch(text, /RST_STREAM|error_code=(?!NO_ERROR)/)
})

test('h2load: 2,000 requests on 4 connections', needs('h2load'), async () => {
  const text = await run('h2load', '-n', '2000', '-c', '4', '-m', '50', `${origin}/bytes/3000`)
  assert.match(text, /2000 succeeded, 0 failed, 0 errored, 0 timeout/)
})
