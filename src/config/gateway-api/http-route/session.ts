// Sessions that stay with their endpoint. Gateway API: SessionPersistence (GEP-1619).

import type { EndpointAffinity } from '../../model/hash-policy.ts'
import type { SessionPersistence } from '../kinds/session-persistence.ts'

const DEFAULT_NAME = 'sluice-session'

export function lowerSession(session: SessionPersistence): EndpointAffinity {
  const { cookie, header } = session
  const name = cookie?.name ?? header?.name ?? session.sessionName ?? DEFAULT_NAME
  const permanent = (cookie ?? session.cookieConfig)?.lifetimeType === 'Permanent'
  return {
    carrier:
      session.type === 'Header'
        ? { kind: 'header', name: name.toLowerCase() }
        : {
            kind: 'cookie',
            name,
            ttlMs: permanent ? (session.absoluteTimeout ?? 0) : 0,
            attributes: { path: cookie?.path ?? '/', secure: false, httpOnly: true, sameSite: '' },
          },
    onlyWithCookie: undefined,
    key: undefined,
    strict: false,
  }
}
