// Replacements as Go's Regexp.Expand writes them (`$1`, `${1}`, `${name}`, `$$`), in the model's notation (`\1`).

import { RE2JS } from 're2js'
import type { WholeRegex } from '../model/string-match.ts'
import type { Spot } from '../source/tree.ts'
import type { Loading } from './loading.ts'

const REFERENCE = /\$(?:\$|\{(\w+)\}|(\w+))/g

/** What is no group of the expression is nothing, as in Go; a warning says so. */
export function goSubstitution(loading: Loading, regex: WholeRegex, replacement: string, spot: Spot): string {
  const compiled = RE2JS.compile(regex.source)
  const names = compiled.namedGroups()
  return replacement.replaceAll('\\', '\\\\').replace(REFERENCE, (whole, braced?: string, bare?: string) => {
    if (whole === '$$') return '$'
    const name = braced ?? bare ?? ''
    const group = /^\d+$/.test(name) ? Number(name) : names[name]
    if (group !== undefined && group <= compiled.groupCount() && group <= 9) return `\\${group}`
    loading.warning(
      spot,
      `${whole} names no group of the expression and stands for nothing`,
      bare === undefined ? undefined : 'letters and digits behind a group belong to its name: write ${1}x, not $1x',
    )
    return ''
  })
}
