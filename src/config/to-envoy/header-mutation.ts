// Header additions and removals.

import { formatText } from '../model/format-parse.ts'
import type { AppendAction, HeaderAddition, HeaderMutations, MessageMutations } from '../model/header-mutation.ts'
import { fields, type Fields, type Json, listOf, unless } from './json.ts'

const ACTIONS: Readonly<Record<AppendAction, string>> = {
  append: 'APPEND_IF_EXISTS_OR_ADD',
  'add-if-absent': 'ADD_IF_ABSENT',
  'overwrite-or-add': 'OVERWRITE_IF_EXISTS_OR_ADD',
  'overwrite-if-exists': 'OVERWRITE_IF_EXISTS',
}

/** HeaderValueOption. */
export const headerOption = ({ name, value, action, keepEmpty }: HeaderAddition): Fields =>
  fields({
    header: { key: name, value: formatText(value) },
    append_action: unless(ACTIONS[action], 'APPEND_IF_EXISTS_OR_ADD'),
    keep_empty_value: unless(keepEmpty, false),
  })

const names = (list: readonly string[]): Json | undefined => listOf(list, (name) => name)

/** `request_headers_to_add` and `…_remove`. */
export const requestMutations = ({ add, remove }: HeaderMutations): Readonly<Record<string, Json | undefined>> => ({
  request_headers_to_add: listOf(add, headerOption),
  request_headers_to_remove: names(remove),
})

/** The four lists of routes, virtual hosts and tables. */
export const messageMutations = ({
  request,
  response,
}: MessageMutations): Readonly<Record<string, Json | undefined>> => ({
  ...requestMutations(request),
  response_headers_to_add: listOf(response.add, headerOption),
  response_headers_to_remove: names(response.remove),
})

/** Mutations of the header_mutation filter. */
export const filterMutations = (request: HeaderMutations, response: HeaderMutations): Fields => ({
  mutations: fields({ request_mutations: mutationList(request), response_mutations: mutationList(response) }),
})

function mutationList({ add, remove }: HeaderMutations): Json | undefined {
  const list = [...add.map((each) => ({ append: headerOption(each) })), ...remove.map((name) => ({ remove: name }))]
  return list.length === 0 ? undefined : list
}
