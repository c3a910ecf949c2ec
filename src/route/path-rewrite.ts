// Rewrites the path of a request, keeping its query. Envoy: prefix_rewrite, regex_rewrite and path_rewrite of
// config.route.v3.RouteAction, and the same of RedirectAction.

import type { PathMatch, PathRewrite } from '../config/model/route.ts'
import type { FormatTemplate } from '../config/model/format-template.ts'
import { literalMatch } from './path-matcher.ts'
import { pathEnd, safeTarget } from './target.ts'

/** Evaluates a format for the request at hand. */
export type Evaluate = (template: FormatTemplate) => string

/** The rewritten target, or undefined when it stays: no path (CONNECT), or the rewrite came out empty. */
export function rewritePath(
  rewrite: PathRewrite,
  match: PathMatch,
  target: string,
  evaluate: Evaluate,
): string | undefined {
  if (target === '') return undefined
  const end = pathEnd(target)
  const path = target.slice(0, end)
  const query = target.slice(end)
  const rewritten = newTarget(rewrite, match, path, query, evaluate)
  return rewritten === '' ? undefined : safeTarget(rewritten)
}

function newTarget(rewrite: PathRewrite, match: PathMatch, path: string, query: string, evaluate: Evaluate): string {
  switch (rewrite.kind) {
    case 'full':
      // A query of its own takes the place of the request's.
      return rewrite.path.includes('?') ? rewrite.path : rewrite.path + query
    case 'prefix':
      return rewrite.prefix + path.slice(matchedLength(match, path)) + query
    case 'segment-prefix':
      return segmentPrefix(rewrite.replacement, path.slice(rewrite.matched.replace(/\/$/, '').length)) + query
    case 'regex': {
      const replaced = rewrite.regex.replaceAll(path, rewrite.substitution)
      return replaced === '' ? '' : replaced + query
    }
    case 'format': {
      const made = evaluate(rewrite.template)
      return made === '' ? '' : made + query
    }
  }
}

/** `rest` is what follows the matched segments: empty or with its slash. Exactly one slash stands between the two. */
function segmentPrefix(replacement: string, rest: string): string {
  const joined = replacement.replace(/\/$/, '') + rest
  return joined === '' ? '/' : joined
}

/** How much of the path the route matched: that part a prefix rewrite replaces. */
function matchedLength(match: PathMatch, path: string): number {
  return Math.min(literalMatch(match)?.value.length ?? path.length, path.length)
}
