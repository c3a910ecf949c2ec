// One configured access log: a filter, a format and a sink. The connection manager calls `log` at the moments of
// AccessLogOptions and at the end of each exchange.

import type { AccessLogConfig, LogFormat } from '../../config/model/access-log.ts'
import { compileJson } from '../../format/compile-json.ts'
import { compileLine } from '../../format/compile.ts'
import type { StreamFacts } from '../../format/stream-facts.ts'
import { logFilter } from './log-filter.ts'
import type { LogSinks } from './sinks.ts'

/** Writes a line about an exchange when its filter lets it. */
export interface AccessLogger {
  log(facts: StreamFacts): void
}

/** Builds a logger; throws the system's error when its file cannot be opened. */
export function accessLogger(config: AccessLogConfig, sinks: LogSinks): AccessLogger {
  const sink = sinks.open(config.target)
  const wanted = logFilter(config.filter)
  const line = linePrinter(config.format)
  return {
    log(facts) {
      if (wanted(facts)) sink.write(line(facts))
    },
  }
}

/** A text format brings its own line end, as in Envoy; JSON gets one. */
export function linePrinter(format: LogFormat): (facts: StreamFacts) => string {
  if (format.kind === 'text') return compileLine(format.template, format.omitEmpty)
  const print = compileJson(format.fields, format)
  return (facts) => `${print(facts)}\n`
}
