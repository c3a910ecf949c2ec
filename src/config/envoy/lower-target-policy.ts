// Which targets a cluster may dial. Sluice's own: cluster metadata under `sluice.target_policy`, sluice.v1.TargetPolicy.

import type { TargetPolicy, TargetRule } from '../model/target-policy.ts'
import { readTargetRule } from '../model/target-rule-text.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { METADATA_KEYS, typedMetadata } from './lower-metadata.ts'
import { TargetPolicySchema, type Metadata } from './messages.ts'

/** The rules of a cluster, from its metadata; undefined when there are none. */
export function lowerTargetPolicy(
  loading: Loading,
  metadata: Metadata | undefined,
  spot: Spot,
): TargetPolicy | undefined {
  const found = typedMetadata(loading, metadata, spot, { key: METADATA_KEYS.targetPolicy, schema: TargetPolicySchema })
  if (found === undefined) return undefined
  const at = found.spot.field('allow')
  const allow: TargetRule[] = []
  for (const [index, text] of found.message.allow.entries()) {
    // The rules have said so.
    if (text === '') continue
    const read = readTargetRule(text)
    if (read.kind === 'rule') allow.push(read.rule)
    else loading.error(at.at(index), read.message, FORMS)
  }
  if (found.message.onlyAllowed && found.message.allow.length === 0)
    loading.warning(found.spot, 'nothing may be dialled: only_allowed without allow')
  return { allow, onlyAllowed: found.message.onlyAllowed, place: found.spot.place }
}

const FORMS = 'write host:port, *.example.com:443, 10.0.0.0/8, [::1]:22 or host:8000-8100; without a port every port'
