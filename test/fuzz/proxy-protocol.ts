// Fuzzer of the PROXY protocol reader: mutates the golden corpus and headers that the writer made, and checks what must
// hold for any bytes at all. `npm run fuzz`.

import assert from 'node:assert/strict'
import { readProxyHeader } from '../../src/codec/proxy-protocol/read.ts'
import { writeProxyHeader } from '../../src/codec/proxy-protocol/write.ts'
import { PROXY_TLVS } from '../../src/core/limits.ts'
import { tcpAddress } from '../../src/transport/address.ts'
import { goldenCorpus } from '../support/golden-corpus.ts'
import { proxyHeaderOutcome } from '../support/proxy-header-outcome.ts'
import { Choices } from '../support/random.ts'

const corpus = goldenCorpus(new URL('../golden/proxy-protocol/headers.txt', import.meta.url)).map(({ bytes }) => bytes)
const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\0',
  'PROXY ',
  'TCP4',
  'TCP6 ::1',
  'UNKNOWN',
  '65535',
  '\x21',
  '\x11',
  '\xff\xff',
]

/** Reads damaged headers at every length; throws with the input when two readings disagree. */
export function fuzzProxyHeader(runs: number, seed: number): void {
  const choices = new Choices(seed)
  for (let run = 0; run < runs; run++) {
    const bytes = damaged(choices.chance(0.5) ? choices.pick(corpus) : written(choices), choices)
    const message = `seed ${seed}: ${bytes.toString('hex')}`
    let decided: readonly string[] | undefined
    for (let length = 0; length <= bytes.length; length++) {
      const result = readProxyHeader(bytes.subarray(0, length))
      if (decided !== undefined) assert.deepEqual(proxyHeaderOutcome(result), decided, message)
      else if (result.kind === 'incomplete') assert.ok(result.wanted > length && result.wanted <= 16 + 65_535, message)
      else decided = proxyHeaderOutcome(result)
      if (result.kind !== 'header') continue
      assert.ok(result.length <= length && result.header.tlvs.length <= PROXY_TLVS, message)
      rewritten(result.header, message)
      // Only the first lengths after the decision say something new.
      if (length > result.length + 2) break
    }
  }
}

/** A header that was taken means the same after it was written again. */
function rewritten(header: Parameters<typeof same>[0], message: string): void {
  const { version, endpoints, tlvs } = header
  if (endpoints.kind !== 'ip') return
  const { bytes } = writeProxyHeader(version, endpoints, tlvs)
  const again = readProxyHeader(bytes)
  assert.ok(again.kind === 'header' && same(header, again.header), message)
}

function same(
  one: Extract<ReturnType<typeof readProxyHeader>, { kind: 'header' }>['header'],
  other: Extract<ReturnType<typeof readProxyHeader>, { kind: 'header' }>['header'],
): boolean {
  if (one.endpoints.kind !== 'ip' || other.endpoints.kind !== 'ip') return false
  return (
    one.endpoints.source.text === other.endpoints.source.text &&
    one.endpoints.destination.text === other.endpoints.destination.text &&
    one.tlvs.length === other.tlvs.length
  )
}

function written(choices: Choices): Buffer {
  const address = (): ReturnType<typeof tcpAddress> =>
    tcpAddress(choices.pick(['192.0.2.1', '2001:db8::1', '::', '255.255.255.255']), choices.below(65_536))
  const tlvs = Array.from({ length: choices.below(5) }, () => ({
    type: choices.below(6),
    value: choices.bytes(choices.below(12)),
  }))
  const ends = { source: address(), destination: address() }
  return Buffer.concat([writeProxyHeader(choices.pick(['v1', 'v2']), ends, tlvs).bytes, choices.bytes(2)])
}

function damaged(bytes: Buffer, choices: Choices): Buffer {
  let result = bytes
  for (let i = choices.below(4); i > 0 && result.length > 0; i--) {
    const at = choices.below(result.length)
    const put = choices.chance(0.5) ? choices.bytes(1) : Buffer.from(choices.pick(TOKENS), 'latin1')
    const cut = choices.below(4) === 0 ? 0 : choices.below(3)
    result = Buffer.concat([result.subarray(0, at), put, result.subarray(at + cut)])
  }
  return result
}
