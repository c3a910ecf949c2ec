import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fnv1 } from '../../../../src/core/hash/fnv-hash.ts'
import { murmurHash64 } from '../../../../src/core/hash/murmur-hash.ts'
import { xxHash64OfLatin1 } from '../../../../src/core/hash/xx-hash.ts'

test('XXH64 gives the values of its specification', () => {
  assert.equal(xxHash64OfLatin1(''), 0xef46db3751d8e999n)
  assert.equal(xxHash64OfLatin1('a'), 0xd24ec4f1a98c6e5bn)
  assert.equal(xxHash64OfLatin1('abc'), 0x44bc2cf5ad770999n)
})

// Values of std::hash<std::string> in libstdc++.
test('MurmurHash2 gives the values of libstdc++', () => {
  const hashes: readonly (readonly [string, bigint])[] = [
    ['', 6142509188972423790n],
    ['a', 4993892634952068459n],
    ['foobar', 1006047371904342835n],
    ['12345678', 10113836418918046885n],
    ['10.0.0.1:80_17', 4437040220721654695n],
  ]
  for (const [text, hash] of hashes) assert.equal(murmurHash64(Buffer.from(text)), hash, text)
})

test('FNV-1 gives the values of its authors', () => {
  assert.equal(fnv1(''), 0x811c9dc5)
  assert.equal(fnv1('a'), 0x050c5d7e)
  assert.equal(fnv1('foobar'), 0x31f0b262)
})
