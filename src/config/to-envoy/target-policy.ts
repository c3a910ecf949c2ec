// The target policy of a cluster.

import type { TargetPolicy } from '../model/target-policy.ts'
import { targetRuleText } from '../model/target-rule-text.ts'
import { fields, type Fields, listOf, typed, unless } from './json.ts'

/** `sluice.v1.TargetPolicy`. */
export const targetPolicy = ({ allow, onlyAllowed }: TargetPolicy): Fields =>
  typed(
    'sluice.v1.TargetPolicy',
    fields({ allow: listOf(allow, targetRuleText), only_allowed: unless(onlyAllowed, false) }),
  )
