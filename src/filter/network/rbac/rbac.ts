// Lets connections in by rules about their addresses, server name and client certificate. Envoy: extensions.filters.network.rbac.

import { type CloseCause, closeCause } from '../../../core/close-cause.ts'
import type { NetworkRbac } from '../../../config/model/network-rbac.ts'
import type { Counter, StatRegistry } from '../../../observe/stats/registry.ts'
import { ConnectionState } from '../../../transport/connection-state.ts'
import type { Arrival, ConnectionGateFilter } from '../../network-filter.ts'
import { compileRules, type RbacVerdict } from './rules.ts'

/**
 * Asked once, after the TLS handshake. Everything that the rules can name is known then and cannot change, so for
 * `every-read` (CONTINUOUS) another look at the same facts would give the same answer. Deviation: Envoy waits for the
 * client's first byte and lets the terminal filter begin meanwhile; here a refused client neither causes a connection
 * upstream nor receives what a server says first.
 */
export function networkRbac(config: NetworkRbac, registry: StatRegistry): ConnectionGateFilter {
  const enforced = config.rules === undefined ? undefined : compileRules(config.rules)
  const shadow = config.shadowRules === undefined ? undefined : compileRules(config.shadowRules)
  const stats = rbacStats(config, registry)
  return {
    admit(arrival, decide) {
      const { stream, serverName } = arrival
      const subject = { info: stream.info, serverName: stream.info.tls?.serverName || serverName }
      if (shadow !== undefined) noteShadow(arrival, config.shadowStatPrefix, count(shadow(subject), stats.shadow))
      const verdict = enforced === undefined ? undefined : count(enforced(subject), stats.enforced)
      if (verdict === undefined || verdict.allowed) decide({ kind: 'admitted' })
      else decide({ kind: 'refused', cause: denial(verdict), delayMs: config.delayDenyMs ?? 0 })
      return undefined
    },
  }
}

/** Envoy's connection termination details. */
function denial({ policy }: RbacVerdict): CloseCause {
  const name = policy === '' ? 'none' : policy.replaceAll(/\s/g, '_')
  return closeCause('proxy', 'tcp', 'rbac_access_denied', `rbac_access_denied_matched_policy[${name}]`)
}

interface VerdictStats {
  readonly allowed: Counter
  readonly denied: Counter
}

function count(verdict: RbacVerdict, { allowed, denied }: VerdictStats): RbacVerdict {
  const counter = verdict.allowed ? allowed : denied
  counter.value++
  return verdict
}

/** `<prefix>.rbac.*`; the shadow rules' own prefix comes after that. */
function rbacStats({ statPrefix, shadowStatPrefix }: NetworkRbac, registry: StatRegistry) {
  const scope = registry.scope(`${dotted(statPrefix)}rbac.`, 'rbac.', [
    { name: 'envoy_rbac_prefix', value: statPrefix },
  ])
  const shadow = scope.scope(dotted(shadowStatPrefix))
  return {
    enforced: { allowed: scope.counter('allowed'), denied: scope.counter('denied') },
    shadow: { allowed: shadow.counter('shadow_allowed'), denied: shadow.counter('shadow_denied') },
  }
}

const dotted = (prefix: string): string => (prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`)

const NAMESPACE = 'envoy.filters.network.rbac'

/** Says in dynamic metadata, under Envoy's keys, what the shadow rules would have done. */
function noteShadow({ stream }: Arrival, prefix: string, { allowed, policy }: RbacVerdict): void {
  const state = stream.info.state ?? new ConnectionState()
  if (policy !== '') state.setMetadata(NAMESPACE, `${prefix}shadow_effective_policy_id`, policy)
  state.setMetadata(NAMESPACE, `${prefix}shadow_engine_result`, allowed ? 'allowed' : 'denied')
  stream.amend({ state })
}
