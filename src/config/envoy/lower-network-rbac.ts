// The rbac network filter with its rules. Envoy: extensions.filters.network.rbac.v3, config.rbac.v3.

import type { NetworkRbac, RbacCondition, RbacPolicy, RbacRules } from '../model/network-rbac.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { lowerRange } from './lower-address.ts'
import { timeout } from './lower-duration.ts'
import { each } from './lower-each.ts'
import { lowerStringMatch } from './lower-string-match.ts'
import {
  RBAC_Action as Action,
  RBAC_EnforcementType as Enforcement,
  type CidrRange,
  type NetworkRbac as Message,
  type Permission,
  type Policy,
  type Principal,
  type RbacRules as RulesMessage,
} from './messages.ts'

export const lowerNetworkRbac = (loading: Loading, message: Message, spot: Spot): NetworkRbac => ({
  kind: 'rbac',
  statPrefix: message.statPrefix,
  rules: message.rules && lowerRules(loading, message.rules, spot.field('rules')),
  shadowRules: message.shadowRules && lowerRules(loading, message.shadowRules, spot.field('shadow_rules')),
  shadowStatPrefix: message.shadowRulesStatPrefix,
  enforcement: message.enforcementType === Enforcement.CONTINUOUS ? 'every-read' : 'once',
  delayDenyMs: timeout(message.delayDeny, undefined),
  place: spot.place,
})

const ACTIONS: { readonly [action in Action]: RbacRules['action'] } = {
  [Action.ALLOW]: 'allow',
  [Action.DENY]: 'deny',
  [Action.LOG]: 'log',
}

/** Policies are asked in the order of their names, as Envoy does. */
function lowerRules(loading: Loading, message: RulesMessage, spot: Spot): RbacRules {
  const policies = Object.entries(message.policies)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, policy]) => lowerPolicy(loading, name, policy, spot.field('policies').key(name)))
  return { action: ACTIONS[message.action], policies }
}

const lowerPolicy = (loading: Loading, name: string, message: Policy, spot: Spot): RbacPolicy => ({
  name,
  permissions: each(message.permissions, spot.field('permissions'), (each, at) => lowerPermission(loading, each, at)),
  principals: each(message.principals, spot.field('principals'), (each, at) => lowerPrincipal(loading, each, at)),
})

/** For conditions that are refused elsewhere. */
const NEVER: RbacCondition = { kind: 'not', condition: { kind: 'any' } }

function lowerPermission(loading: Loading, { rule }: Permission, spot: Spot): RbacCondition {
  const all = (set: { readonly rules: readonly Permission[] }, field: string): readonly RbacCondition[] =>
    each(set.rules, spot.field(field).field('rules'), (permission, at) => lowerPermission(loading, permission, at))
  switch (rule.case) {
    case 'any':
      return { kind: 'any' }
    case 'andRules':
      return { kind: 'all-of', conditions: all(rule.value, 'and_rules') }
    case 'orRules':
      return { kind: 'any-of', conditions: all(rule.value, 'or_rules') }
    case 'notRule':
      return { kind: 'not', condition: lowerPermission(loading, rule.value, spot.field('not_rule')) }
    case 'destinationIp':
      return inRange(loading, 'destination-ip', rule.value, spot.field('destination_ip'))
    case 'destinationPort':
      return { kind: 'destination-port', from: rule.value, to: rule.value + 1 }
    case 'destinationPortRange':
      return { kind: 'destination-port', from: rule.value.start, to: rule.value.end }
    case 'requestedServerName': {
      const match = lowerStringMatch(loading, rule.value, spot.field('requested_server_name'))
      return { kind: 'server-name', match }
    }
    default:
      return NEVER
  }
}

function lowerPrincipal(loading: Loading, { identifier }: Principal, spot: Spot): RbacCondition {
  const all = (set: { readonly ids: readonly Principal[] }, field: string): readonly RbacCondition[] =>
    each(set.ids, spot.field(field).field('ids'), (principal, at) => lowerPrincipal(loading, principal, at))
  switch (identifier.case) {
    case 'any':
      return { kind: 'any' }
    case 'andIds':
      return { kind: 'all-of', conditions: all(identifier.value, 'and_ids') }
    case 'orIds':
      return { kind: 'any-of', conditions: all(identifier.value, 'or_ids') }
    case 'notId':
      return { kind: 'not', condition: lowerPrincipal(loading, identifier.value, spot.field('not_id')) }
    case 'directRemoteIp':
      return inRange(loading, 'direct-remote-ip', identifier.value, spot.field('direct_remote_ip'))
    case 'remoteIp':
      return inRange(loading, 'remote-ip', identifier.value, spot.field('remote_ip'))
    case 'sourceIp':
      // Deprecated: the connection's address, after a PROXY header has changed it.
      return inRange(loading, 'remote-ip', identifier.value, spot.field('source_ip'))
    case 'authenticated': {
      const name = identifier.value.principalName
      const at = spot.field('authenticated').field('principal_name')
      return { kind: 'authenticated', match: name && lowerStringMatch(loading, name, at) }
    }
    default:
      return NEVER
  }
}

const inRange = (
  loading: Loading,
  kind: 'destination-ip' | 'direct-remote-ip' | 'remote-ip',
  message: CidrRange,
  spot: Spot,
): RbacCondition => ({ kind, range: lowerRange(loading, message, spot) })
