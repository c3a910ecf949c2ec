// Envoy's own example files, run as they are except for addresses: each port and host name of the file is mapped to one of
// this machine, the admin listener takes a free port.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Yaml, YamlMap } from './envoy-config.ts'

const FOLDER = join(import.meta.dirname, '../../../shared/envoy-configs')

/** What stands in the file → what it shall be. Ports that are not named become 0. */
export interface Addresses {
  readonly ports: Readonly<Record<number, number>>
  /** Also replaced where text has it as `host:port`, such as a tunnel's hostname. */
  readonly texts?: Readonly<Record<string, string>>
}

/** `file` without `.yaml`, with other addresses. */
export function sample(file: string, addresses: Addresses): YamlMap {
  const config: YamlMap = parse(readFileSync(join(FOLDER, `${file}.yaml`), 'utf8'))
  const rewritten = rewrite(config, addresses)
  if (!isMap(rewritten)) throw new Error(`${file} is not a mapping`)
  return { ...rewritten, admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } } }
}

const isMap = (value: Yaml | undefined): value is YamlMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function rewrite(value: Yaml, addresses: Addresses): Yaml {
  if (typeof value === 'string') return addresses.texts?.[value] ?? value
  if (Array.isArray(value)) return value.map((item: Yaml) => rewrite(item, addresses))
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'socket_address' && isMap(item) ? socketAddress(item, addresses) : rewrite(item, addresses),
    ]),
  )
}

/** All on loopback. */
const socketAddress = (address: YamlMap, { ports }: Addresses): YamlMap => ({
  ...address,
  address: '127.0.0.1',
  port_value: ports[Number(address['port_value'])] ?? 0,
})
