// MurmurHash2 of 64 bits (MurmurHash64A), which Envoy's ring takes when hash_function is MURMUR_HASH_2: with libstdc++'s
// seed it is that library's std::hash of a string.

const M = 0xc6a4a7935bd1e995n
const SHIFT = 47n
const MASK = 0xffffffffffffffffn
/** libstdc++'s. */
const STD_HASH_SEED = 0xc70f6907n

/** The hash of bytes. For tables that are built now and then, not for every request. */
export function murmurHash64(bytes: Buffer, seed = STD_HASH_SEED): bigint {
  let hash = seed ^ ((BigInt(bytes.length) * M) & MASK)
  const whole = bytes.length & ~7
  for (let at = 0; at < whole; at += 8) {
    hash = ((hash ^ mixed(bytes.readBigUInt64LE(at))) * M) & MASK
  }
  if (whole < bytes.length) {
    let rest = 0n
    for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8n) | BigInt(bytes[at] ?? 0)
    hash = ((hash ^ rest) * M) & MASK
  }
  hash = ((hash ^ (hash >> SHIFT)) * M) & MASK
  return hash ^ (hash >> SHIFT)
}

function mixed(word: bigint): bigint {
  const product = (word * M) & MASK
  return ((product ^ (product >> SHIFT)) * M) & MASK
}
