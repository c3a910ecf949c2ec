// One entry of a Secret or a ConfigMap as bytes.

import type { ConfigMapValue, SecretValue } from '../kinds/core.ts'
import { decodeBase64 } from './pem.ts'

/** A sentence when there is no such entry or it is not what its field must hold. */
export function secretEntry(secret: SecretValue, key: string): Buffer | string {
  const plain = Object.hasOwn(secret.stringData, key) ? secret.stringData[key] : undefined
  if (plain !== undefined) return Buffer.from(plain)
  return encodedEntry(secret.data, 'data', key)
}

/** The same for a ConfigMap. */
export function configMapEntry(map: ConfigMapValue, key: string): Buffer | string {
  const plain = Object.hasOwn(map.data, key) ? map.data[key] : undefined
  if (plain !== undefined) return Buffer.from(plain)
  return encodedEntry(map.binaryData, 'binaryData', key)
}

function encodedEntry(entries: Readonly<Record<string, string>>, field: string, key: string): Buffer | string {
  const encoded = Object.hasOwn(entries, key) ? entries[key] : undefined
  if (encoded === undefined) return `it has no ${key}`
  return decodeBase64(encoded) ?? `${field}["${key}"] is not base64`
}
