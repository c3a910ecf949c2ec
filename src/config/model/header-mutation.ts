// Changes to a message's header fields. Envoy: HeaderValueOption and the *_headers_to_{add,remove} lists.

import type { FormatTemplate } from './format-template.ts'

export type AppendAction = 'append' | 'add-if-absent' | 'overwrite-or-add' | 'overwrite-if-exists'

export interface HeaderAddition {
  /** Lower case. */
  readonly name: string
  readonly value: FormatTemplate
  readonly action: AppendAction
  /** Keep the field when its value came out empty. */
  readonly keepEmpty: boolean
}

export interface HeaderMutations {
  readonly add: readonly HeaderAddition[]
  /** Lower case names. */
  readonly remove: readonly string[]
}

export interface MessageMutations {
  readonly request: HeaderMutations
  readonly response: HeaderMutations
}

export const NO_MUTATIONS: MessageMutations = { request: { add: [], remove: [] }, response: { add: [], remove: [] } }
