// Header additions and removals. Envoy: HeaderValueOption, the *_headers_to_{add,remove} lists, and the mutations of the
// header_mutation filter.

import type { AppendAction, HeaderAddition, HeaderMutations, MessageMutations } from '../model/header-mutation.ts'
import { literalTemplate } from '../model/format-parse.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'
import { each } from './lower-each.ts'
import { lowerTemplate } from './lower-format.ts'
import {
  HeaderValueOption_HeaderAppendAction as Action,
  type HeaderMutation,
  type HeaderValueOption,
  type Mutations,
} from './messages.ts'

/** What route tables, virtual hosts, routes and weighted clusters have in common. */
export interface MutationFields {
  readonly requestHeadersToAdd: readonly HeaderValueOption[]
  readonly requestHeadersToRemove: readonly string[]
  readonly responseHeadersToAdd: readonly HeaderValueOption[]
  readonly responseHeadersToRemove: readonly string[]
}

/** The four lists of a message. */
export function lowerMutations(loading: Loading, message: MutationFields, spot: Spot): MessageMutations {
  return {
    request: {
      add: lowerAdditions(loading, message.requestHeadersToAdd, spot.field('request_headers_to_add')),
      remove: lowerRemovals(loading, message.requestHeadersToRemove, spot.field('request_headers_to_remove')),
    },
    response: {
      add: lowerAdditions(loading, message.responseHeadersToAdd, spot.field('response_headers_to_add')),
      remove: lowerRemovals(loading, message.responseHeadersToRemove, spot.field('response_headers_to_remove')),
    },
  }
}

/** A list of HeaderValueOption; `elsewhere` says where pseudo-headers are set instead. */
export const lowerAdditions = (
  loading: Loading,
  options: readonly HeaderValueOption[],
  spot: Spot,
  elsewhere = ROUTE_REWRITES,
): readonly HeaderAddition[] => each(options, spot, (option, at) => lowerAddition(loading, option, at, elsewhere))

/** Where the fields are set that an addition may not touch. */
const ROUTE_REWRITES = 'a route has host_rewrite_literal, prefix_rewrite and regex_rewrite for that'

const ACTIONS: { readonly [action in Action]: AppendAction } = {
  [Action.APPEND_IF_EXISTS_OR_ADD]: 'append',
  [Action.ADD_IF_ABSENT]: 'add-if-absent',
  [Action.OVERWRITE_IF_EXISTS_OR_ADD]: 'overwrite-or-add',
  [Action.OVERWRITE_IF_EXISTS]: 'overwrite-if-exists',
}

function lowerAddition(
  loading: Loading,
  option: HeaderValueOption,
  spot: Spot,
  elsewhere = ROUTE_REWRITES,
): HeaderAddition {
  const name = (option.header?.key ?? '').toLowerCase()
  const header = spot.field('header')
  if (isProtected(name)) {
    loading.error(header.field('key'), ':-prefixed or host headers may not be modified', elsewhere)
  }
  if (option.append !== undefined && option.appendAction !== Action.APPEND_IF_EXISTS_OR_ADD) {
    loading.error(
      spot.field('append'),
      'both append and append_action are configured and they are conflicting',
      'append is deprecated; keep append_action',
    )
  }
  const action = option.append === false ? 'overwrite-or-add' : ACTIONS[option.appendAction]
  const raw = option.header?.rawValue
  const value =
    raw !== undefined && raw.length > 0
      ? literalTemplate(Buffer.from(raw).toString('latin1'))
      : lowerTemplate(loading, option.header?.value ?? '', header.field('value'))
  return { name, value, action, keepEmpty: option.keepEmptyValue }
}

const lowerRemovals = (loading: Loading, names: readonly string[], spot: Spot): readonly string[] =>
  each(names, spot, (name, at) => lowerRemoval(loading, name, at))

function lowerRemoval(loading: Loading, name: string, spot: Spot): string {
  if (isProtected(name.toLowerCase())) loading.error(spot, ':-prefixed or host headers may not be removed')
  return name.toLowerCase()
}

const isProtected = (name: string): boolean => name.startsWith(':') || name === 'host'

/** The request and response mutations of the header_mutation filter. */
export function lowerFilterMutations(
  loading: Loading,
  mutations: Mutations | undefined,
  spot: Spot,
): { readonly request: HeaderMutations; readonly response: HeaderMutations } {
  return {
    request: lowerMutationList(loading, mutations?.requestMutations ?? [], spot.field('request_mutations')),
    response: lowerMutationList(loading, mutations?.responseMutations ?? [], spot.field('response_mutations')),
  }
}

/** A list of single mutations. */
export function lowerMutationList(loading: Loading, list: readonly HeaderMutation[], spot: Spot): HeaderMutations {
  const add: HeaderAddition[] = []
  const remove: string[] = []
  for (const [index, { action }] of list.entries()) {
    const at = spot.at(index)
    if (action.case === 'append') add.push(lowerAddition(loading, action.value, at.field('append')))
    if (action.case === 'remove') remove.push(lowerRemoval(loading, action.value, at.field('remove')))
  }
  return { add, remove }
}
