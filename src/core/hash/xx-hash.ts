// XXH64, the hash of Envoy's hash policies, ring and Maglev table. The module is ready when its import is: its few hundred
// bytes of WebAssembly are compiled once, before the first request.

import xxhash from 'xxhash-wasm'

const hashes = await xxhash()

/** XXH64 of bytes. */
export const xxHash64 = (bytes: Uint8Array, seed = 0n): bigint => hashes.h64Raw(bytes, seed)

/** XXH64 of text whose characters stand for bytes, as header values do. */
export const xxHash64OfLatin1 = (text: string, seed = 0n): bigint => hashes.h64Raw(Buffer.from(text, 'latin1'), seed)
