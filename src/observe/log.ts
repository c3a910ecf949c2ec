// The application log: what the server itself says. Levels and their names are Envoy's, one per component, changed at run
// time by POST /logging. Lines go to stderr, or to the file of --log-path.

import { closeSync, openSync } from 'node:fs'
import { styleText } from 'node:util'
import pino from 'pino'
import { printable } from '../core/printable.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Whether a word names a level. */
export const isLogLevel = (word: string): word is LogLevel => LOG_LEVELS.some((level) => level === word)

/** What a line carries besides its message. No secrets. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

/** The log of one component. Messages are fixed sentences; what varies goes into fields. */
export interface ComponentLog {
  trace(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warning(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  critical(message: string, fields?: LogFields): void
  /** Whether lines of `level` are written now; ask before making a line that costs something. */
  wants(level: Exclude<LogLevel, 'off'>): boolean
}

export interface LogOptions {
  readonly level: LogLevel
  /** File of --log-path; undefined = stderr. */
  readonly path?: string
  /** `json`: one object a line, for machines. */
  readonly format?: 'text' | 'json'
  /** Colour in text; pass whether stderr is a terminal. */
  readonly color?: boolean
  /** Takes finished lines instead of a file or stderr. */
  readonly write?: (line: string) => void
}

/** The log of the process: hands out component logs and changes levels. */
export class ApplicationLog {
  readonly #root: pino.Logger<CustomLevel>
  readonly #components = new Map<string, { readonly logger: pino.Logger<CustomLevel>; readonly log: ComponentLog }>()
  readonly #output: LineOutput
  #level: LogLevel

  /** Throws the system's error when the file cannot be opened. */
  constructor(options: LogOptions) {
    this.#level = options.level
    this.#output = lineOutput(options)
    const print =
      options.format === 'json' ? (line: string) => line : (line: string) => prettyLine(line, options.color ?? false)
    this.#root = pino<CustomLevel>(
      {
        customLevels: VALUES,
        useOnlyCustomLevels: true,
        level: silentWhenOff(options.level),
        base: null,
        formatters: LEVEL_NAME,
      },
      { write: (line) => this.#output.write(print(line)) },
    )
  }

  /** The log of a component; the same object for the same name. */
  component(name: string): ComponentLog {
    const known = this.#components.get(name)
    if (known !== undefined) return known.log
    const logger = this.#root.child({ component: name })
    const log = componentLog(logger)
    this.#components.set(name, { logger, log })
    return log
  }

  /** Components and their levels, by name. */
  levels(): Map<string, LogLevel> {
    const names = [...this.#components.keys()].sort()
    return new Map(names.map((name) => [name, levelOf(this.#components.get(name)?.logger, this.#level)]))
  }

  /** Sets every component, and what later ones start with. */
  setLevel(level: LogLevel): void {
    this.#level = level
    this.#root.level = silentWhenOff(level)
    for (const { logger } of this.#components.values()) logger.level = silentWhenOff(level)
  }

  /** Sets one component; false when there is none of that name. */
  setComponentLevel(name: string, level: LogLevel): boolean {
    const component = this.#components.get(name)
    if (component === undefined) return false
    component.logger.level = silentWhenOff(level)
    return true
  }

  /** Opens the file anew, after a rotation. */
  reopen(): void {
    this.#output.reopen()
  }

  /** Writes what waits and closes a file. */
  close(): void {
    this.#output.close()
  }
}

type CustomLevel = Exclude<LogLevel, 'off'>

const VALUES: Record<CustomLevel, number> = { trace: 10, debug: 20, info: 30, warning: 40, error: 50, critical: 60 }
const LEVEL_NAME = { level: (label: string) => ({ level: label }) }
const silentWhenOff = (level: LogLevel): string => (level === 'off' ? 'silent' : level)

function levelOf(logger: pino.Logger<CustomLevel> | undefined, fallback: LogLevel): LogLevel {
  const level = logger?.level ?? fallback
  return level === 'silent' ? 'off' : isLogLevel(level) ? level : fallback
}

function componentLog(logger: pino.Logger<CustomLevel>): ComponentLog {
  const at =
    (level: CustomLevel) =>
    (message: string, fields: LogFields = {}): void =>
      logger[level](fields, message)
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    error: at('error'),
    critical: at('critical'),
    wants: (level) => logger.isLevelEnabled(level),
  }
}

interface LineOutput {
  write(line: string): void
  reopen(): void
  close(): void
}

function lineOutput(options: LogOptions): LineOutput {
  const { write, path } = options
  if (write !== undefined) return { write, reopen: () => undefined, close: () => undefined }
  if (path !== undefined) closeSync(openSync(path, 'a'))
  // Synchronous: the last words before a crash are the ones worth having, and this log is not on the data path.
  const stream = pino.destination({ dest: path ?? 2, sync: true, append: true })
  // A log that cannot be written must not end the proxy.
  stream.on('error', () => undefined)
  return {
    write: (line) => stream.write(line),
    reopen: () => path !== undefined && stream.reopen(),
    close: () => path !== undefined && stream.end(),
  }
}

const COLORS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warning: 'yellow',
  error: 'red',
  critical: 'magenta',
}

/** `2026-11-21 03:27:01.123 info    [config] message key=value`, from pino's JSON. */
function prettyLine(json: string, color: boolean): string {
  const parsed: unknown = JSON.parse(json)
  if (typeof parsed !== 'object' || parsed === null) return json
  const { level, time, component, msg, ...fields } = { level: '', time: 0, component: '', msg: '', ...parsed }
  const moment = new Date(time).toISOString().replace('T', ' ').replace('Z', '')
  const name = color ? styleText(COLORS[level] ?? 'white', level.padEnd(8), { validateStream: false }) : level.padEnd(8)
  const where = component === '' ? '' : `[${component}] `
  const rest = Object.entries(fields)
    .map(([key, value]) => ` ${key}=${fieldText(value)}`)
    .join('')
  return `${moment} ${name}${where}${printable(msg)}${rest}\n`
}

/** A field's value; quoted when it has blanks, so that fields can be told apart. */
function fieldText(value: unknown): string {
  const text = printable(String(value))
  return /[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text
}
