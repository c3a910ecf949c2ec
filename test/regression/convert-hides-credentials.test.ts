// `sluice convert --to model` is meant to be shown around, yet it told passwords of health checks and credentials in header
// fields; `--to envoy` warned of private keys and not of passwords.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nothingLeft } from '../support/leaks.ts'
import { runSluice } from '../support/proxy-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-convert-'))
const file = join(folder, 'objects.yaml')

after(async () => {
  rmSync(folder, { recursive: true })
  await nothingLeft()
})

writeFileSync(
  file,
  `
kind: HTTPServer
name: web
port: 8080
rules:
- paths: [{pathPrefix: /, backend: app, setHeaders: {Authorization: "Bearer LEAK1", X-Api-Key: LEAK2, X-Shown: seen}}]
---
kind: Pipeline
name: app
flow: [{filter: a}, {filter: v}, {filter: w}]
filters:
- {kind: RequestAdaptor, name: a, header: {set: {Cookie: "a=LEAK3"}, add: {X-Auth-Token: LEAK4}}}
- {kind: Validator, name: v, jwt: {algorithm: HS256, secret: "4c45414b35"}}
- kind: WebSocketProxy
  name: w
  pools:
  - servers: [{url: "ws://127.0.0.1:9"}]
    healthCheck: {interval: 5s, ws: {headers: {Authorization: "Bearer LEAK6"}}, http: {username: u, password: LEAK7}}
`,
)

async function convert(to: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const run = runSluice(['convert', '-c', file, '--to', to])
  assert.equal(await run.exited, 0, run.output())
  return { stdout: run.stdout(), stderr: run.stderr() }
}

test('the model tells no credentials', async () => {
  const { stdout } = await convert('model')
  assert.match(stdout, /seen/)
  assert.doesNotMatch(stdout, /LEAK|4c45414b|TEVBSz|dTpMRUFL/)
  assert.equal(stdout.match(/\[redacted\]/g)?.length, 7)
})

test('whoever converts to Envoy is told that passwords stand in the output', async () => {
  const { stdout, stderr } = await convert('envoy')
  assert.match(stdout, /LEAK1/)
  assert.match(stderr, /the output holds private keys or passwords/)
})
