// The filters of a rule or backendRef, lowered. Gateway API: HTTPRouteFilter.

import type { HeaderMutations, MessageMutations } from '../../model/header-mutation.ts'
import type { MirrorPolicy } from '../../model/retry.ts'
import type { DirectAction, PathRewrite, PerFilterConfig, RedirectAction } from '../../model/route.ts'
import type { Spot } from '../../source/tree.ts'
import { resolveBackend } from '../backends/resolve.ts'
import type { HttpFilter, MirrorFilter } from '../kinds/http-filter.ts'
import { CORS, corsFilter, lowerCors } from './cors.ts'
import { lowerHeaderFilter } from './header-filter.ts'
import { lowerPathModifier } from './path-modifier.ts'
import { lowerRedirect } from './redirect.ts'
import type { RuleContext } from './rule-context.ts'

export interface LoweredFilters {
  readonly mutations: MessageMutations
  /** In place of forwarding: a redirect, or 500 for a filter that cannot be had. */
  readonly answer: RedirectAction | DirectAction | undefined
  readonly pathRewrite: PathRewrite | undefined
  /** '' = none. */
  readonly hostRewrite: string
  readonly mirrors: readonly MirrorPolicy[]
  readonly perFilter: PerFilterConfig
}

const NOTHING: HeaderMutations = { add: [], remove: [] }

/** `matched` is the value of the rule's path match, for ReplacePrefixMatch. */
export function lowerFilters(
  context: RuleContext,
  filters: readonly HttpFilter[],
  spot: Spot,
  matched: string,
): LoweredFilters {
  let request = NOTHING
  let response = NOTHING
  let answer: LoweredFilters['answer']
  let pathRewrite: PathRewrite | undefined
  let hostRewrite = ''
  const mirrors: MirrorPolicy[] = []
  const perFilter = new Map<string, { disabled: boolean; config: ReturnType<typeof corsFilter> }>()
  for (const [index, filter] of filters.entries()) {
    const at = spot.at(index)
    switch (filter.type) {
      case 'RequestHeaderModifier':
        request = lowerHeaderFilter(filter.requestHeaderModifier)
        break
      case 'ResponseHeaderModifier':
        response = lowerHeaderFilter(filter.responseHeaderModifier)
        break
      case 'RequestRedirect':
        answer ??= lowerRedirect(filter.requestRedirect, context.listener.spec, matched)
        break
      case 'URLRewrite':
        pathRewrite = lowerPathModifier(filter.urlRewrite.path, matched)
        hostRewrite = filter.urlRewrite.hostname ?? ''
        break
      case 'RequestMirror':
        mirrors.push(...lowerMirror(context, filter.requestMirror, at.key('requestMirror')))
        break
      case 'CORS':
        perFilter.set(CORS, { disabled: false, config: corsFilter(lowerCors(filter.cors), at.place) })
        break
      case 'ExtensionRef':
        answer = refuseExtension(context, filter.extensionRef, at)
        break
      case 'ExternalAuth':
        // The schema refuses it.
        break
    }
  }
  return { mutations: { request, response }, answer, pathRewrite, hostRewrite, mirrors, perFilter }
}

/** A filter that nobody knows must not be skipped, says the API. */
function refuseExtension(
  { working, parents }: RuleContext,
  { kind, group, name }: { readonly kind: string; readonly group: string; readonly name: string },
  spot: Spot,
): DirectAction {
  const message = `the filter ${kind}${group === '' ? '' : `.${group}`} "${name}" is not known to Sluice; the requests are answered with 500`
  for (const conditions of parents)
    conditions.set({ type: 'ResolvedRefs', status: 'False', reason: 'InvalidKind', message })
  working.error(spot.key('extensionRef'), message)
  return internalError('a filter of the route is not to be had')
}

/** What requests get whose backend or filter is not to be had. Names of objects are for the operator, not for clients. */
export const internalError = (message: string): DirectAction => ({
  kind: 'direct',
  status: 500,
  body: Buffer.from(`${message}\n`),
  contentType: 'text/plain',
})

function lowerMirror(
  context: RuleContext,
  { backendRef, percent, fraction }: MirrorFilter,
  spot: Spot,
): MirrorPolicy[] {
  const { working, listener, route, protocol } = context
  const at = spot.key('backendRef')
  const backend = resolveBackend(working, {
    gateway: listener.gateway,
    route,
    reference: backendRef,
    spot: at,
    protocol,
  })
  const share = fraction === undefined ? (percent ?? 100) / 100 : fraction.numerator / fraction.denominator
  if (backend.kind === 'unresolved' || share === 0) return []
  return [
    {
      cluster: { kind: 'cluster', name: backend.name },
      fraction: share,
      shadowSuffix: false,
      mutations: NOTHING,
      hostRewrite: '',
      place: at.place,
    },
  ]
}
