// A header that must have one of some values, or match an expression (Easegress: headers of Validator). Every value of a
// repeated header must.

import type { RequestCheck } from '../../../config/model/pipeline.ts'
import { headerValues } from '../../../route/header-test.ts'
import type { Check } from './validator.ts'

export function checkHeader(check: Extract<RequestCheck, { kind: 'header' }>): Check {
  const name = check.name.toLowerCase()
  const values = new Set(check.values)
  const { regex } = check
  const fits = (value: string): boolean => values.has(value) || (regex?.test(value) ?? false)
  const failure = {
    status: 400,
    explanation: `header ${name} does not have a value that is asked for`,
    challenge: '',
  } as const
  return (head) => {
    const given = headerValues(head, name)
    return given.length > 0 && given.every(fits) ? undefined : failure
  }
}
