// The machine's resolver beside a small name server of the test: hosts file, lifetimes, failures.

import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { machineResolver } from '../../../../src/cluster/discovery/dns-resolver.ts'

interface Question {
  readonly name: string
  readonly type: number
}

const A = 1
const AAAA = 28

/** What the server says: addresses as bytes with a lifetime, or a response code (RFC 1035 §4.1.1). */
type Reply = { readonly rcode: number } | { readonly ttl: number; readonly records: readonly Buffer[] }

async function nameServer(
  t: TestContext,
  reply: (question: Question) => Reply,
): Promise<{ server: string; asked: string[] }> {
  const socket: Socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (message, from) => {
    const question = readQuestion(message)
    asked.push(`${question.name} ${question.type === A ? 'A' : 'AAAA'}`)
    socket.send(answer(message, question, reply(question)), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return { server: `127.0.0.1:${socket.address().port}`, asked }
}

function readQuestion(message: Buffer): Question {
  const labels: string[] = []
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1) }
}

function answer(message: Buffer, { type }: Question, reply: Reply): Buffer {
  const records = 'records' in reply ? reply.records : []
  const end = questionEnd(message)
  const head = Buffer.from(message.subarray(0, end))
  head.writeUInt16BE(0x8180 | ('rcode' in reply ? reply.rcode : 0), 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  const ttl = 'ttl' in reply ? reply.ttl : 0
  return Buffer.concat([head, ...records.map((data) => record(type, ttl, data))])
}

function questionEnd(message: Buffer): number {
  let at = 12
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) at += 1 + length
  return at + 5
}

function record(type: number, ttl: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttl, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

async function hostsFile(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-hosts-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'hosts')
  await writeFile(path, text)
  return path
}

test('name servers tell addresses of both families with their lifetimes', async (t) => {
  const { server, asked } = await nameServer(t, ({ type }) =>
    type === AAAA
      ? { ttl: 30, records: [Buffer.from('20010db8000000000000000000000001', 'hex')] }
      : { ttl: 60, records: [Buffer.from([192, 0, 2, 1]), Buffer.from([192, 0, 2, 2])] },
  )
  const resolver = machineResolver({ hostsFile: '/nowhere', servers: [server] })
  const found = await resolver.resolve('a.example', 'both', true)
  assert.deepEqual(
    found.map(({ address, ttlSeconds }) => `${address} ${ttlSeconds}`),
    ['2001:db8::1 30', '192.0.2.1 60', '192.0.2.2 60'],
  )
  assert.deepEqual((await resolver.resolve('a.example', 'v4', true)).length, 2)
  assert.deepEqual(asked.sort(), ['a.example A', 'a.example A', 'a.example AAAA'])
})

test('the hosts file is asked first, by family, and read again when it changes', async (t) => {
  const { server, asked } = await nameServer(t, () => ({ rcode: 3 }))
  const path = await hostsFile(
    t,
    '# a comment\n192.0.2.7 Inside.Example inside # more\n2001:db8::7\tinside.example\nnonsense\n',
  )
  const resolver = machineResolver({ hostsFile: path, servers: [server] })
  const found = await resolver.resolve('inside.EXAMPLE', 'both', true)
  assert.deepEqual(
    found.map(({ address, family, ttlSeconds }) => [address, family, ttlSeconds]),
    [
      ['192.0.2.7', 4, undefined],
      ['2001:db8::7', 6, undefined],
    ],
  )
  assert.deepEqual((await resolver.resolve('inside', 'v4', true)).length, 1)
  assert.deepEqual(asked, [])
  const later = machineResolver({ hostsFile: path, servers: [server] })
  await writeFile(path, '192.0.2.8 inside.example\n')
  assert.deepEqual(
    (await later.resolve('inside.example', 'both', true)).map(({ address }) => address),
    ['192.0.2.8'],
  )
})

test('localhost is this machine without asking anybody', async (t) => {
  const { server, asked } = await nameServer(t, () => ({ ttl: 1, records: [Buffer.from([192, 0, 2, 66])] }))
  const resolver = machineResolver({ hostsFile: '/nowhere', servers: [server] })
  for (const name of ['localhost', 'app.localhost', 'LOCALHOST'])
    assert.deepEqual(
      (await resolver.resolve(name, 'v4', true)).map(({ address }) => address),
      ['127.0.0.1'],
      name,
    )
  assert.deepEqual(asked, [])
})

test('servers that fail are not asked again through the system', async (t) => {
  const { server, asked } = await nameServer(t, () => ({ rcode: 2 }))
  const resolver = machineResolver({ hostsFile: '/nowhere', servers: [server] })
  await assert.rejects(resolver.resolve('broken.example', 'v4', true), { code: 'ESERVFAIL' })
  assert.ok(asked.length > 0 && asked.every((line) => line === 'broken.example A'))
})
