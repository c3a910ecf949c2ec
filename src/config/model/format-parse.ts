// Parses format strings with command operators, `%NAME(argument):length%`, into templates. Pure: what is wrong comes
// back as sentences, for the dialect to place. Grammar as in Envoy's access logs.

import { nearestName } from './nearest-name.ts'
import { OPERATOR_ALIASES, OPERATORS, UNSUPPORTED_OPERATORS } from './format-operators.ts'
import type { FormatTemplate, TemplatePart } from './format-template.ts'

export type ParsedFormat =
  | { readonly kind: 'template'; readonly template: FormatTemplate }
  | { readonly kind: 'refused'; readonly message: string; readonly hint?: string }

/** Bytes of one format string; beyond it the template is refused. */
const MAX_FORMAT_LENGTH = 64 * 1024

/** Name, then optional `(argument)`, then optional `:length`, then `%`. The argument may not hold `%` or `)`. */
const OPERATOR = /%([A-Za-z0-9_]+)(?:\(([^)]*)\))?(?::(\d+))?%/y

/** Parses a whole format string. */
export function parseFormat(source: string): ParsedFormat {
  if (source.length > MAX_FORMAT_LENGTH) return refused(`the format is longer than ${MAX_FORMAT_LENGTH} characters`)
  const parts: TemplatePart[] = []
  let text = ''
  let at = 0
  const flush = (): void => {
    if (text !== '') parts.push({ kind: 'text', text })
    text = ''
  }
  while (at < source.length) {
    const percent = source.indexOf('%', at)
    text += source.slice(at, percent < 0 ? source.length : percent)
    if (percent < 0) break
    if (source.startsWith('%%', percent)) {
      text += '%'
      at = percent + 2
      continue
    }
    const operator = parseOperator(source, percent)
    if (operator.kind === 'refused') return operator
    flush()
    parts.push(operator.part)
    at = operator.end
  }
  flush()
  return { kind: 'template', template: { source, parts } }
}

/** The format string that parses to these parts; `source` may be another notation's. */
export const formatText = ({ parts }: FormatTemplate): string =>
  parts
    .map((part) => {
      if (part.kind === 'text') return part.text.replaceAll('%', '%%')
      const argument = part.argument === '' ? '' : `(${part.argument})`
      return `%${part.name}${argument}${part.maxLength === undefined ? '' : `:${part.maxLength}`}%`
    })
    .join('')

/** A template that is only text, for values that the dialect does not format. */
export const literalTemplate = (text: string): FormatTemplate => ({
  source: text.replaceAll('%', '%%'),
  parts: text === '' ? [] : [{ kind: 'text', text }],
})

type ParsedOperator =
  | { readonly kind: 'operator'; readonly part: TemplatePart; readonly end: number }
  | { readonly kind: 'refused'; readonly message: string; readonly hint?: string }

function parseOperator(source: string, at: number): ParsedOperator {
  OPERATOR.lastIndex = at
  const match = OPERATOR.exec(source)
  if (match === null) {
    const rest = source.slice(at, at + 40)
    return refused(
      `incorrect command operator at "${rest}"`,
      'an operator is %NAME%, %NAME(argument)% or %NAME(argument):length%; a literal percent sign is %%',
    )
  }
  const written = match[1] ?? ''
  const name = OPERATOR_ALIASES.get(written) ?? written
  const problem = operatorProblem(written, name, match[2])
  if (problem !== undefined) return problem
  const length = match[3]
  const maxLength = length === undefined ? undefined : Number(length)
  const part: TemplatePart = { kind: 'operator', name, argument: match[2] ?? '', maxLength }
  return { kind: 'operator', part, end: at + match[0].length }
}

function operatorProblem(
  written: string,
  name: string,
  argument: string | undefined,
): (ParsedFormat & { kind: 'refused' }) | undefined {
  if (UNSUPPORTED_OPERATORS.has(name)) return refused(`%${written}% is known to Envoy but not supported by Sluice yet`)
  const rule = OPERATORS.get(name)
  if (rule === undefined) {
    const nearest = nearestName(written, [...OPERATORS.keys(), ...OPERATOR_ALIASES.keys()])
    return refused(
      `there is no command operator %${written}%`,
      nearest === undefined ? undefined : `did you mean %${nearest}%?`,
    )
  }
  if (rule === 'none' && argument !== undefined) return refused(`%${written}% takes no argument in parentheses`)
  if (rule === 'required' && (argument === undefined || argument === '')) {
    return refused(`%${written}% needs an argument in parentheses`)
  }
  return name === 'COMMON_DURATION' ? durationProblem(argument ?? '') : undefined
}

const DURATION_POINTS = `DS_CX_BEG DS_CX_END DS_HS_BEG DS_HS_END DS_RX_BEG DS_RX_HDR_END DS_RX_END US_CX_BEG US_CX_END
  US_HS_END US_TX_BEG US_TX_END US_RX_BEG US_RX_BODY_BEG US_RX_END DS_TX_BEG DS_TX_END`.split(/\s+/)

function durationProblem(argument: string): (ParsedFormat & { kind: 'refused' }) | undefined {
  const [start, end, precision, ...more] = argument.split(':')
  if (end === undefined || precision === undefined || more.length > 0) {
    return refused(
      '%COMMON_DURATION% takes start, end and precision',
      'such as %COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms)%',
    )
  }
  const unknown = [start ?? '', end].find((point) => !DURATION_POINTS.includes(point))
  if (unknown !== undefined) {
    return refused(`there is no time point "${unknown}"`, `known: ${DURATION_POINTS.join(', ')}`)
  }
  return ['ms', 'us', 'ns'].includes(precision) ? undefined : refused(`"${precision}" is not one of ms, us, ns`)
}

const refused = (message: string, hint?: string): ParsedFormat & { kind: 'refused' } =>
  hint === undefined ? { kind: 'refused', message } : { kind: 'refused', message, hint }
