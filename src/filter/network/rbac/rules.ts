// Evaluates RBAC rules: policies in the order of their names, the first that matches counts. Envoy: config.rbac.v3.RBAC.

import type { RbacRules } from '../../../config/model/network-rbac.ts'
import { anyOf, type RbacSubject, type RbacTest } from './conditions.ts'

export interface RbacVerdict {
  readonly allowed: boolean
  /** The policy that matched; '' when none did. */
  readonly policy: string
}

export type RbacEngine = (subject: RbacSubject) => RbacVerdict

export function compileRules(rules: RbacRules): RbacEngine {
  const policies = rules.policies
    .map(({ name, permissions, principals }) => ({ name, matches: both(anyOf(permissions), anyOf(principals)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return (subject) => {
    const found = policies.find(({ matches }) => matches(subject))
    return { allowed: allows(rules.action, found !== undefined), policy: found?.name ?? '' }
  }
}

const both =
  (permission: RbacTest, principal: RbacTest): RbacTest =>
  (subject) =>
    permission(subject) && principal(subject)

function allows(action: RbacRules['action'], matched: boolean): boolean {
  switch (action) {
    case 'allow':
      return matched
    case 'deny':
      return !matched
    case 'log':
      return true
  }
}
