// TLS clients of a cluster: one per host whose name is judged, so that remembered sessions are not shared between hosts.

import type { UpstreamTls } from '../config/model/tls.ts'
import { TlsClient } from '../transport/tls.ts'
import { hostJudge, subjectJudge } from './subject-alt-names.ts'

/** Hosts come from requests: remembered clients are bounded. */
const MANY_HOSTS = 256

/** The client for a judged host; one for all when names are judged by the configuration only. */
export function tlsClients(tls: UpstreamTls): (host: string) => TlsClient {
  const made = new Map<string, TlsClient>()
  return (host) => {
    const key = tls.autoSanValidation ? host : ''
    const known = made.get(key)
    if (known !== undefined) return known
    const verifySubject = key === '' ? subjectJudge(tls.validation) : hostJudge(key)
    const client = new TlsClient({ ...tls, ...(verifySubject === undefined ? {} : { verifySubject }) })
    if (made.size >= MANY_HOSTS) made.clear()
    made.set(key, client)
    return client
  }
}
