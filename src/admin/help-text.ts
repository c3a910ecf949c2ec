// The list of admin commands that /help and the answer to an unknown path print.

import type { Endpoint } from './endpoint.ts'

/** As Envoy prints it: one line each, parameters below. */
export function helpText(endpoints: readonly Endpoint[]): string {
  let page = 'admin commands are:\n'
  for (const { path, summary, mutates, parameters } of [...endpoints].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    page += `  ${path}${mutates ? ' (POST)' : ''}: ${summary}\n`
    for (const parameter of parameters) page += `      ${parameter.name}: ${parameter.summary}\n`
  }
  return page
}
