// `/logging`: shows the log levels and changes them: all, one component, or several.

import { isLogLevel, LOG_LEVELS, type LogLevel } from '../../observe/log.ts'
import type { LevelControl } from '../context.ts'
import { type AdminResponse, type Endpoint, text } from '../endpoint.ts'

const USAGE = `usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
levels: ${LOG_LEVELS.join(' ')}
`

export const LOGGING: Endpoint = {
  path: '/logging',
  summary: 'show the log levels, or change them',
  mutates: true,
  parameters: [
    { name: 'level', summary: `set all levels: ${LOG_LEVELS.join(', ')}` },
    { name: 'paths', summary: 'set several, such as admin:debug,listener:info' },
    { name: '<name>', summary: 'set the one called so' },
  ],
  handle({ query }, { levels }) {
    const asked = [...query]
    const [first] = asked
    if (asked.length > 1) return usage('one parameter at a time')
    const problem = first === undefined ? undefined : change(first[0], first[1], levels)
    return problem === undefined ? text(levelList(levels)) : usage(problem)
  },
}

const usage = (problem: string): AdminResponse => text(`error: ${problem}\n${USAGE}`, 400)

const levelList = (levels: LevelControl): string =>
  `active loggers:\n${[...levels.levels()].map(([name, level]) => `  ${name}: ${level}\n`).join('')}\n`

/** Applies one parameter; answers what is wrong. Several levels change all or none. */
function change(name: string, value: string, levels: LevelControl): string | undefined {
  if (name === 'level') {
    if (!isLogLevel(value)) return `unknown logger level "${value}"`
    levels.setLevel(value)
    return undefined
  }
  const pairs = name === 'paths' ? value.split(',').map((pair) => splitAtLast(pair)) : [[name, value] as const]
  const changes: [string, LogLevel][] = []
  for (const [component, level] of pairs) {
    if (!levels.levels().has(component)) return `unknown logger name "${component}"`
    if (!isLogLevel(level)) return `unknown logger level "${level}"`
    changes.push([component, level])
  }
  for (const [component, level] of changes) levels.setComponentLevel(component, level)
  return undefined
}

function splitAtLast(pair: string): readonly [string, string] {
  const colon = pair.lastIndexOf(':')
  return colon < 0 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)]
}
