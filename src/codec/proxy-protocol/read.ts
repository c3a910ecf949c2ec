// Reads a PROXY protocol header (HAProxy's proxy-protocol.txt) from the beginning of a connection as far as it is there.
// Strict: what the text does not allow is malformed, and what cannot become a header is known with the first wrong byte.

import type { Buffer } from 'node:buffer'
import { type ProxyHeaderResult, V1_SIGNATURE, V2_SIGNATURE } from './header.ts'
import { readV1 } from './read-v1.ts'
import { readV2 } from './read-v2.ts'

/** Reads `bytes`, the beginning of a connection. Never throws; consumes nothing. */
export function readProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (bytes.length === 0) return { kind: 'incomplete', version: undefined, wanted: 1 }
  for (const { signature, read } of FORMS) {
    const shared = Math.min(bytes.length, signature.length)
    if (bytes.compare(signature, 0, shared, 0, shared) !== 0) continue
    if (shared === signature.length) return read(bytes)
    return { kind: 'incomplete', version: undefined, wanted: shared + 1 }
  }
  return { kind: 'absent' }
}

/** The signatures differ in their first byte. */
const FORMS = [
  { signature: V1_SIGNATURE, read: readV1 },
  { signature: V2_SIGNATURE, read: readV2 },
] as const
