import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTargetRule } from '../../../../src/config/model/target-rule-text.ts'

const name = (host: string, ...ports: readonly (readonly [number, number])[]) => ({
  host,
  range: undefined,
  ports: ports.length === 0 ? undefined : ports.map(([from, to]) => ({ from, to })),
})
const network = (address: string, prefixLength: number, ...ports: readonly (readonly [number, number])[]) => ({
  ...name('', ...ports),
  host: undefined,
  range: { address, prefixLength },
})

const RULES: readonly (readonly [text: string, rule: object])[] = [
  ['host:22', name('host', [22, 22])],
  ['Host.Example.:22', name('host.example', [22, 22])],
  ['host', name('host')],
  ['host:*', name('host')],
  ['host:8000-8100', name('host', [8000, 8100])],
  ['host:80,443,8000-8100', name('host', [80, 80], [443, 443], [8000, 8100])],
  ['*.suffix.example:443', name('*.suffix.example', [443, 443])],
  ['*.Com', name('*.com')],
  ['*', name('*')],
  ['*:443', name('*', [443, 443])],
  ['10.0.0.5:22', network('10.0.0.5', 32, [22, 22])],
  ['10.0.0.0/8', network('10.0.0.0', 8)],
  ['10.0.0.0/8:22', network('10.0.0.0', 8, [22, 22])],
  ['0.0.0.0/0', network('0.0.0.0', 0)],
  ['[::1]:22', network('::1', 128, [22, 22])],
  ['[::1]', network('::1', 128)],
  ['::1', network('::1', 128)],
  ['fd00::/8', network('fd00::', 8)],
  ['fd00::/8:443', network('fd00::', 8, [443, 443])],
  ['[FD00::]/8:443', network('fd00::', 8, [443, 443])],
  ['[fd00::/8]:443', network('fd00::', 8, [443, 443])],
  ['::/0', network('::', 0)],
  ['::ffff:10.0.0.0/104', network('10.0.0.0', 8)],
  ['[::ffff:10.0.0.5]:22', network('10.0.0.5', 32, [22, 22])],
]

test('rules are read', async (t) => {
  for (const [text, rule] of RULES)
    await t.test(text, () => assert.deepEqual(readTargetRule(text), { kind: 'rule', rule }))
})

const BAD: readonly (readonly [text: string, says: RegExp])[] = [
  ['', /^the rule "" is empty; write host:port/],
  [' host:22', /has a blank; write one rule at a time/],
  ['a:1 b:2', /has a blank/],
  ['https://host', /has a scheme; write host:port only/],
  [':443', /names no host; \* stands for every host/],
  ['host:', /ends in a colon; write a port behind it/],
  ['host:0', /has "0" where a port from 1 to 65535/],
  ['host:65536', /has "65536" where a port/],
  ['host:http', /has "http" where a port/],
  ['host:90-80', /has "90-80" where a port/],
  ['host:80,', /has "" where a port/],
  ['host:1-', /has "1-" where a port/],
  ['host:-1', /has "-1" where a port/],
  [`host:${Array(65).fill('1').join(',')}`, /has more than 64 ports/],
  ['a:1:2', /has several colons; an IPv6 address with a port is written \[address\]:port/],
  ['[::1', /has brackets that do not match/],
  ['[::1]22', /has brackets that do not match/],
  ['[host]:22', /has brackets around what is no IPv6 address/],
  ['[10.0.0.1]:22', /has brackets around what is no IPv6 address/],
  ['10.0.0.0/33', /has a prefix that is not a number from 0 to 32/],
  ['fd00::/129', /has a prefix that is not a number from 0 to 128/],
  ['10.0.0.0/', /has a prefix that is not a number/],
  ['10.0.0.0/8x', /has a prefix that is not a number/],
  ['host/8', /has a \/ behind what is no IP address/],
  ['*.*.example', /has a \* that is not the first label/],
  ['a*.example', /has a \* that is not the first label/],
  ['*.10.0.0.1', /has \*\. before an IP address; write network\/bits/],
  ['127.1:80', /names a host that looks like an IP address in a short/],
  ['a..b:80', /names a host that has an empty label/],
  ['fe80::1%eth0/10', /has a \/ behind what is no IP address/],
]

test('what is no rule gets a sentence', async (t) => {
  for (const [text, says] of BAD) {
    await t.test(text.slice(0, 40), () => {
      const read = readTargetRule(text)
      assert.ok(read.kind === 'invalid')
      assert.match(read.message, says)
    })
  }
})

test('an endless rule is shown in part, and safely', () => {
  const read = readTargetRule(`${'a'.repeat(5000)}\u001b[2J b`)
  assert.ok(read.kind === 'invalid')
  assert.ok(read.message.length < 200)
  assert.doesNotMatch(JSON.stringify(read.message), /u001b\[2J/)
})
