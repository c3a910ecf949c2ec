// Apache's MD5 password scheme, `$apr1$salt$hash`: a thousand rounds of MD5 in a mixed order (Apache APR, apr_md5.c
// describes it). Old and weak, but htpasswd wrote it by default for decades. The libraries for it are not maintained.

import { createHash } from 'node:crypto'

const MAGIC = '$apr1$'
const ROUNDS = 1000

/** The entry that `password` has with the salt of `stored`, which must be an entry of this scheme. */
export function apr1(password: string, stored: string): string {
  const salt = stored.slice(MAGIC.length, stored.indexOf('$', MAGIC.length))
  return `${MAGIC}${salt}$${encode(digest(Buffer.from(password), Buffer.from(salt)))}`
}

const md5 = (...parts: readonly Buffer[]): Buffer => createHash('md5').update(Buffer.concat(parts)).digest()

function digest(password: Buffer, salt: Buffer): Buffer {
  const inner = md5(password, salt, password)
  const parts = [password, Buffer.from(MAGIC), salt]
  for (let left = password.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)))
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? ZERO : password.subarray(0, 1))
  let result = md5(...parts)
  for (let round = 0; round < ROUNDS; round++) {
    const odd = (round & 1) === 1
    const mixed = [odd ? password : result]
    if (round % 3 !== 0) mixed.push(salt)
    if (round % 7 !== 0) mixed.push(password)
    mixed.push(odd ? result : password)
    result = md5(...mixed)
  }
  return result
}

const ZERO = Buffer.alloc(1)
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Which bytes of the digest stand together. */
const GROUPS: readonly (readonly number[])[] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]]

function encode(bytes: Buffer): string {
  let text = ''
  for (const group of GROUPS) {
    let value = group.reduce((sum, index) => sum * 256 + (bytes[index] ?? 0), 0)
    for (let characters = group.length === 1 ? 2 : 4; characters > 0; characters--) {
      text += ALPHABET.charAt(value % 64)
      value = Math.floor(value / 64)
    }
  }
  return text
}
