// The path of a CONNECT-UDP request, as Envoy takes it (envoy.md §2.9) and no other way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readUdpPath, udpPath } from '../../../../src/codec/capsule/udp-path.ts'

const ACCEPTED: readonly (readonly [path: string, authority: string])[] = [
  ['/.well-known/masque/udp/target.example/443/', 'target.example:443'],
  ['/.well-known/masque/udp/192.0.2.6/1/', '192.0.2.6:1'],
  ['/.well-known/masque/udp/2001%3Adb8%3A%3A42/443/', '[2001:db8::42]:443'],
  ['/.well-known/masque/udp/2001%3adb8%3a%3a42/65535/', '[2001:db8::42]:65535'],
  ['/.well-known/masque/udp/2001:db8::42/443/', '[2001:db8::42]:443'],
  ['/.well-known/masque/udp/a%2eexample/443/', 'a.example:443'],
]

const REFUSED: readonly (readonly [path: string, why: string])[] = [
  ['/.well-known/masque/udp/target.example/443', 'no final slash'],
  ['/.well-known/masque/udp/target.example/443/?x=1', 'a query'],
  ['/.well-known/masque/udp/target.example/443/more', 'more behind it'],
  ['/.well-known/masque/udp/target.example/443//', 'an empty segment behind it'],
  ['/.well-known/masque/udp//443/', 'no host'],
  ['/.well-known/masque/udp/target.example//', 'no port'],
  ['/.well-known/masque/udp/target.example/0/', 'port 0'],
  ['/.well-known/masque/udp/target.example/65536/', 'a port beyond the last'],
  ['/.well-known/masque/udp/target.example/+443/', 'a sign'],
  ['/.well-known/masque/udp/target.example/0x1bb/', 'a hexadecimal port'],
  ['/.well-known/masque/udp/fe80%3A%3A1%25eth0/443/', 'a zone id'],
  ['/.well-known/masque/udp/%5B%3A%3A1%5D/443/', 'brackets'],
  ['/.well-known/masque/udp/a%2Fb/443/', 'a slash in the host'],
  ['/.well-known/masque/udp/user%40host/443/', 'userinfo'],
  ['/.well-known/masque/udp/a%0d%0ab/443/', 'a line end'],
  ['/.well-known/masque/udp/a%00b/443/', 'a zero byte'],
  ['/.well-known/masque/udp/a%zz/443/', 'a bad escape'],
  ['/.well-known/masque/udp/a%e4/443/', 'bytes that are no UTF-8'],
  ['/.well-known/masque/udp/../443/', 'dots'],
  ['/.well-known/masque/udp/a b/443/', 'a blank'],
  ['/.well-known/masque/udp/ä/443/', 'a character beyond ASCII'],
  ['/.well-known/masque/udp/host:80/443/', 'a port in the host'],
  ['/.well-known/masque/tcp/target.example/443/', 'another template'],
  ['/.WELL-KNOWN/masque/udp/target.example/443/', 'upper case'],
  ['//.well-known/masque/udp/target.example/443/', 'a slash too many'],
  ['/', 'nothing of it'],
]

for (const [path, authority] of ACCEPTED) {
  test(`${path} is ${authority}`, () => {
    const target = readUdpPath(path)
    assert.equal(target.kind === 'target' ? target.authority : target.explanation, authority)
  })
}

for (const [path, why] of REFUSED) {
  test(`${path} is refused: ${why}`, () => assert.equal(readUdpPath(path).kind, 'invalid'))
}

test('what is built is read back', () => {
  for (const [host, port] of [
    ['a.example', 1],
    ['::1', 443],
    ['[2001:db8::1]', 53],
    ['10.0.0.1', 65_535],
  ] as const) {
    const target = readUdpPath(udpPath(host, port))
    assert.ok(target.kind === 'target')
    assert.deepEqual([target.host, target.port], [host.replace(/^\[|\]$/g, ''), port])
  }
  assert.equal(udpPath('2001:db8::1', 443), '/.well-known/masque/udp/2001%3Adb8%3A%3A1/443/')
})

test('a host that is no host cannot leave its segment', () => {
  for (const host of ['a/../../x', 'a?b', 'a#b', '', '%2e%2e', 'a b', 'a\r\nb']) {
    assert.equal(readUdpPath(udpPath(host, 443)).kind, 'invalid', host)
  }
})
