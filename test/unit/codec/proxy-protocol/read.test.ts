import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readProxyHeader } from '../../../../src/codec/proxy-protocol/read.ts'
import { PROXY_TLVS } from '../../../../src/core/limits.ts'
import { goldenCorpus } from '../../../support/golden-corpus.ts'
import { proxyHeaderOutcome } from '../../../support/proxy-header-outcome.ts'

const corpus = goldenCorpus(new URL('../../../golden/proxy-protocol/headers.txt', import.meta.url))

describe('the golden corpus', () => {
  for (const { name, bytes, expected } of corpus) {
    test(name, () => {
      assert.deepEqual(proxyHeaderOutcome(readProxyHeader(bytes)), expected)
    })
  }
})

test('the answer, once there, does not change with more bytes, and never comes later than it says', () => {
  for (const { name, bytes } of corpus) {
    let wanted = 0
    let decided: readonly string[] | undefined
    for (let length = 0; length <= bytes.length; length++) {
      const result = readProxyHeader(bytes.subarray(0, length))
      if (decided !== undefined) assert.deepEqual(proxyHeaderOutcome(result), decided, name)
      else if (result.kind === 'incomplete') {
        assert.ok(result.wanted > length && result.wanted >= wanted, `${name} at ${length}`)
        wanted = result.wanted
      } else {
        assert.ok(length >= wanted || result.kind !== 'header', `${name} at ${length}`)
        decided = proxyHeaderOutcome(result)
      }
    }
  }
})

test('a header has a bounded number of TLVs', () => {
  const header = (count: number): Buffer => {
    const tlvs = Buffer.alloc(count * 3, Buffer.from([0xe0, 0, 0]))
    return Buffer.concat([
      Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\0', 'latin1'),
      Buffer.from([tlvs.length >> 8, tlvs.length & 0xff]),
      tlvs,
    ])
  }
  assert.equal(readProxyHeader(header(PROXY_TLVS)).kind, 'header')
  assert.equal(readProxyHeader(header(PROXY_TLVS + 1)).kind, 'malformed')
})
