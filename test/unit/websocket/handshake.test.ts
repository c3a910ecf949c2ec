import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { closeCodeName, isSendableCloseCode } from '../../../src/websocket/close-code.ts'
import { acceptFor, isAcceptFor, isKey, newKey } from '../../../src/websocket/handshake.ts'

describe('WebSocket handshake values', () => {
  it("answer RFC 6455's example", () => {
    assert.equal(acceptFor('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    assert.ok(isAcceptFor('dGhlIHNhbXBsZSBub25jZQ==', ' s3pPLMBiTxaQ9kYGzzhZRbK+xOo= '))
    assert.ok(!isAcceptFor('dGhlIHNhbXBsZSBub25jZQ==', 'S3pPLMBiTxaQ9kYGzzhZRbK+xOo='))
    assert.ok(!isAcceptFor('dGhlIHNhbXBsZSBub25jZQ==', ''))
  })

  it('makes valid keys, all different', () => {
    const keys = new Set(Array.from({ length: 500 }, newKey))
    assert.equal(keys.size, 500)
    for (const key of keys) {
      assert.ok(isKey(key), key)
      assert.equal(Buffer.from(key, 'base64').length, 16)
    }
  })

  it('refuses what is no key', () => {
    for (const key of [
      '',
      'dGhlIHNhbXBsZSBub25jZQ=',
      'dGhlIHNhbXBsZSBub25jZQ===',
      'dGhlIHNhbXBsZSBub25jZR==',
      'x'.repeat(24),
    ]) {
      assert.ok(!isKey(key), key)
    }
  })
})

describe('WebSocket close codes', () => {
  it('may be sent or not', () => {
    for (const code of [1000, 1001, 1003, 1007, 1014, 3000, 4999]) assert.ok(isSendableCloseCode(code), `${code}`)
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
      assert.ok(!isSendableCloseCode(code), `${code}`)
  })

  it('have names', () => {
    assert.equal(closeCodeName(1006), 'Abnormal Closure')
    assert.equal(closeCodeName(4001), 'Private use')
    assert.equal(closeCodeName(2500), 'Unassigned')
    assert.equal(closeCodeName(12), '')
  })
})
