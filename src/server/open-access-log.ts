// Opens an access log at the start; what stands in the way is said in one sentence with the field's place.

import type { AccessLogConfig } from '../config/model/access-log.ts'
import { type AccessLogger, accessLogger } from '../observe/access-log/access-logger.ts'
import type { LogSinks } from '../observe/access-log/sinks.ts'
import { StartError, systemReason } from './start-error.ts'

/** The logger of `config`; throws a StartError. */
export function openAccessLog(config: AccessLogConfig, sinks: LogSinks): AccessLogger {
  try {
    return accessLogger(config, sinks)
  } catch (error) {
    const { target } = config
    const what = target.kind === 'file' ? `the access log ${target.path}` : 'an access log'
    throw new StartError(config.place, `cannot open ${what}: ${systemReason(error)}`)
  }
}
