// Where this proxy itself listens, admin pages included, so that nobody goes through it to itself. A listener on a wildcard
// address is on every address of this machine.

import { networkInterfaces } from 'node:os'
import { plainIp } from '../config/model/host-name.ts'

export class OwnListeners {
  readonly #exact = new Set<string>()
  readonly #everywhere = new Set<number>()
  readonly #localAddresses: () => readonly string[]

  /** `localAddresses`: those of the machine's interfaces, asked again each time, for they come and go. */
  constructor(localAddresses: () => readonly string[] = interfaceAddresses) {
    this.#localAddresses = localAddresses
  }

  /** Port 0 is no port yet: add the listener again when it is bound. */
  add(ip: string, port: number): void {
    if (port === 0 || ip === '') return
    if (isWildcard(ip)) this.#everywhere.add(port)
    else this.#exact.add(key(ip, port))
  }

  /** Whether a connection to `ip` and `port` would come back here. */
  covers(ip: string, port: number): boolean {
    if (this.#exact.has(key(ip, port))) return true
    if (!this.#everywhere.has(port)) return false
    const plain = plainIp(ip)
    return plain.startsWith('127.') || isWildcard(plain) || this.#localAddresses().some((own) => plainIp(own) === plain)
  }
}

const isWildcard = (ip: string): boolean => ip === '0.0.0.0' || ip === '::'
const key = (ip: string, port: number): string => `${plainIp(ip)} ${port}`

const interfaceAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address.replace(/%.*$/, '')))
