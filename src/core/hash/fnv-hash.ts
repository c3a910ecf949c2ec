// FNV-1 of 32 bits (multiply, then xor), the hash of Easegress's ipHash, headerHash and cookieHash.

/** The hash of text whose characters stand for bytes; an unsigned 32-bit integer. */
export function fnv1(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash, 0x01000193) ^ (text.charCodeAt(at) & 0xff)
  return hash >>> 0
}
