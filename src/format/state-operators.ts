// Operators that read what filters noted of the downstream connection: dynamic metadata and filter state.

import { known, type OperatorFamily } from './operator.ts'

export const STATE_OPERATORS: OperatorFamily = {
  /** `NAMESPACE:KEY`, or `NAMESPACE` for all of it as JSON. Values are text, so a path into one leads nowhere. */
  DYNAMIC_METADATA: (argument) => {
    const [namespace = '', key, ...deeper] = argument.split(':')
    return ({ downstream }) => {
      const values = downstream.state?.metadata.get(namespace)
      if (values === undefined || deeper.length > 0) return undefined
      return key === undefined ? JSON.stringify(Object.fromEntries(values)) : values.get(key)
    }
  },
  /** `KEY`, `KEY:PLAIN`, `KEY:TYPED`. Sluice keeps text only, so both forms print it and nothing has fields. */
  FILTER_STATE: (argument) => {
    const [key = '', form = 'TYPED'] = argument.split(':')
    return ({ downstream }) => (form === 'FIELD' ? undefined : known(downstream.state?.filterState.get(key)))
  },
}
