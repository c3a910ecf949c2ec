// What a redirect or rewrite puts in place of the path. Gateway API: HTTPPathModifier.

import type { PathRewrite } from '../../model/route.ts'
import type { PathModifier } from '../kinds/http-filter.ts'

/** `matched` is the value of the rule's one PathPrefix match. */
export function lowerPathModifier(modifier: PathModifier | undefined, matched: string): PathRewrite | undefined {
  if (modifier === undefined) return undefined
  if (modifier.type === 'ReplaceFullPath') return { kind: 'full', path: modifier.replaceFullPath || '/' }
  return { kind: 'segment-prefix', matched, replacement: modifier.replacePrefixMatch }
}
