// A user and password that must be in an htpasswd list (Easegress: basicAuth of Validator; RFC 7617). A name that is not in
// it costs the same work as one that is, whatever the entries' schemes. Hashes that are slow on purpose are checked one at a time, with a bounded queue;
// a password that was right is remembered by a digest with a key of this process.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { RequestCheck } from '../../../config/model/pipeline.ts'
import { basicCredentials, type BasicCredentials } from './basic-credentials.ts'
import { passwordCost, verifyPassword } from './htpasswd.ts'
import type { Check, CheckFailure } from './validator.ts'

/** Logins that wait for a slow hash. */
const QUEUE_LENGTH = 64

const REFUSED: CheckFailure = {
  status: 401,
  explanation: 'no user and password of the list came with the request',
  challenge: 'Basic realm="restricted", charset="UTF-8"',
}
const BUSY: CheckFailure = {
  status: 503,
  explanation: `${QUEUE_LENGTH} logins wait to be checked already`,
  challenge: '',
}

const STAYS = (): boolean => false

export function checkBasicAuth(check: Extract<RequestCheck, { kind: 'basic-auth' }>): Check {
  const logins = new Logins(check.users)
  return ({ headers }, left = STAYS) => {
    const given = basicCredentials(headers)
    return given === undefined ? REFUSED : logins.check(given, left)
  }
}

class Logins {
  readonly #users: ReadonlyMap<string, string>
  /** The entry that takes longest to check: what an unknown user is compared with, and a known one of a faster scheme. */
  readonly #slowest: string
  readonly #key = randomBytes(32)
  /** User → digest of the password that was right; as many as there are users. */
  readonly #known = new Map<string, Buffer>()
  #waiting = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(users: ReadonlyMap<string, string>) {
    this.#users = users
    this.#slowest = [...users.values()].reduce(
      (slow, each) => (passwordCost(each) > passwordCost(slow) ? each : slow),
      '',
    )
  }

  /** A login whose client left while it waited is not checked: it would keep those behind it waiting. */
  check(given: BasicCredentials, left: () => boolean): CheckFailure | undefined | Promise<CheckFailure | undefined> {
    const digest = createHmac('sha256', this.#key).update(given.password).digest()
    const known = this.#known.get(given.user)
    if (known !== undefined && timingSafeEqual(known, digest)) return undefined
    if (this.#waiting >= QUEUE_LENGTH) return BUSY
    this.#waiting++
    const checked = this.#turn.then(() => (left() ? REFUSED : this.#verify(given, digest)))
    this.#turn = checked.catch(() => undefined)
    return checked.finally(() => this.#waiting--)
  }

  async #verify({ user, password }: BasicCredentials, digest: Buffer): Promise<CheckFailure | undefined> {
    const stored = this.#users.get(user)
    const right = stored !== undefined && (await verifyPassword(stored, password))
    if (stored === undefined || passwordCost(stored) < passwordCost(this.#slowest))
      await verifyPassword(this.#slowest, password)
    if (!right) return REFUSED
    this.#known.set(user, digest)
    return undefined
  }
}
