// Names that this machine knows by itself: the hosts file, and `localhost` (RFC 6761 §6.3). Name servers do not know them.

import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'

/** Bytes of a hosts file that is read; a larger one is left to the system's resolver. */
const MAX_BYTES = 1024 * 1024
/** How long it is trusted before it is looked at again. */
const LOOK_MS = 1000

export class HostsFile {
  readonly #path: string
  #addresses: ReadonlyMap<string, readonly string[]> = new Map()
  #lookedMs = -Infinity
  #version = ''

  constructor(path: string) {
    this.#path = path
  }

  /** The addresses of `host` in the order of the file; empty when it is not there. */
  async addresses(host: string): Promise<readonly string[]> {
    await this.#look()
    const name = host.toLowerCase()
    return this.#addresses.get(name) ?? (/(?:^|\.)localhost$/.test(name) ? ['127.0.0.1', '::1'] : [])
  }

  async #look(): Promise<void> {
    const nowMs = performance.now()
    if (nowMs - this.#lookedMs < LOOK_MS) return
    this.#lookedMs = nowMs
    try {
      const { mtimeMs, size, ino } = await stat(this.#path)
      const version = `${mtimeMs} ${size} ${ino}`
      if (version === this.#version) return
      this.#addresses = size > MAX_BYTES ? new Map() : parse(await readFile(this.#path, 'latin1'))
      this.#version = version
    } catch {
      // Unreadable or missing: then nobody has names there.
      this.#addresses = new Map()
      this.#version = ''
    }
  }
}

function parse(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (isIP(address) === 0 || address.includes('%')) continue
    for (const name of names) {
      const key = name.toLowerCase()
      const list = found.get(key)
      if (list === undefined) found.set(key, [address])
      else if (!list.includes(address)) list.push(address)
    }
  }
  return found
}
