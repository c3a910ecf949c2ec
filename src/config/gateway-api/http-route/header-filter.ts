// Changes to header fields. Values are literal: percent signs are no operators. Gateway API: HTTPHeaderFilter.

import { literalTemplate } from '../../model/format-parse.ts'
import type { AppendAction, HeaderAddition, HeaderMutations } from '../../model/header-mutation.ts'
import type { HeaderField, HeaderFilter } from '../kinds/http-filter.ts'

export const lowerHeaderFilter = ({ set, add, remove }: HeaderFilter): HeaderMutations => ({
  add: [...set.map((field) => addition(field, 'overwrite-or-add')), ...add.map((field) => addition(field, 'append'))],
  remove: remove.map((name) => name.toLowerCase()),
})

const addition = ({ name, value }: HeaderField, action: AppendAction): HeaderAddition => ({
  name: name.toLowerCase(),
  value: literalTemplate(value),
  action,
  keepEmpty: true,
})
