// A secret that all workers of one proxy share and nobody else knows: keys are derived from it where the configuration
// gives none. Made by chance when the process starts; a worker adopts that of its fleet.

import { createHmac, randomBytes } from 'node:crypto'

let secret = randomBytes(32)

/** Makes this process one of several with the same secret; call it before anything was derived. */
export function adoptProcessSecret(shared: string): void {
  secret = createHmac('sha256', shared).update('process secret').digest()
}

/** A key for one purpose; the same for every worker, another one after a restart. */
export const derivedKey = (purpose: string): Buffer => createHmac('sha256', secret).update(purpose).digest()
