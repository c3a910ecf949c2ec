// The flags of `sluice run`, named as Envoy's so that existing scripts keep working.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { listenAddress, type Listen } from './listen-address.ts'
import { isLogLevel, LOG_LEVELS, type LogLevel } from '../observe/log.ts'

export interface ServerOptions {
  readonly configPath: readonly string[]
  readonly configYaml: string | undefined
  readonly mode: 'serve' | 'validate' | 'init_only'
  readonly baseId: number
  readonly concurrency: number
  readonly logLevel: LogLevel
  readonly logPath: string | undefined
  readonly logFormat: 'text' | 'json'
  /** Seconds. */
  readonly drainTimeS: number
  readonly serviceCluster: string | undefined
  readonly serviceNode: string | undefined
  readonly adminAddressPath: string | undefined
  readonly allowUnknownStaticFields: boolean
  readonly admin: Listen | undefined
  readonly portMap: ReadonlyMap<number, number> | undefined
  readonly diagnosticLog: string | undefined
}

/** Adds the flags of a server to `command`. */
export function serverOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '-c, --config-path <path>',
        'file or folder: Envoy bootstrap, Easegress objects or Kubernetes manifests',
      )
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--config-yaml <yaml>', 'configuration text, merged over the files')
    .addOption(
      new Option('--mode <mode>', 'validate: check the configuration and exit')
        .choices(['serve', 'validate', 'init_only'])
        .default('serve'),
    )
    .option('--base-id <n>', "accepted for Envoy's scripts; nothing is shared between processes", wholeNumber, 0)
    .option('--concurrency <n>', 'worker processes that share the ports', wholeNumber, 1)
    .addOption(
      new Option('-l, --log-level <level>', 'trace, debug, info, warning, error, critical, off')
        .argParser(logLevel)
        .default('info'),
    )
    .option('--log-path <file>', 'write the log here instead of to stderr')
    .addOption(new Option('--log-format <format>', 'text or json').choices(['text', 'json']).default('text'))
    .option('--drain-time-s <seconds>', 'how long open tunnels may go on after SIGTERM', wholeNumber, 600)
    .option('--service-cluster <name>', 'name of this cluster, over node.cluster')
    .option('--service-node <name>', 'name of this node, over node.id')
    .option('--admin-address-path <file>', 'write the address of the admin listener into this file')
    .addOption(
      new Option('--admin <[host:]port>', 'admin pages here, when the configuration does not say where').argParser(
        listenAddress,
      ),
    )
    .addOption(
      new Option('--port-map <from=to>', 'bind another port than the configuration says; repeatable').argParser(
        portPair,
      ),
    )
    .option('--diagnostic-log <file>', 'one more access log, in the schema of Application Gateway for Containers')
    .option('--allow-unknown-static-fields', 'warn of fields that Envoy does not have instead of refusing them', false)
}

const collect = (value: string, list: readonly string[]): readonly string[] => [...list, value]

function portPair(text: string, known: ReadonlyMap<number, number> = new Map()): ReadonlyMap<number, number> {
  const [from, to] = /^(\d{1,5})=(\d{1,5})$/.exec(text)?.slice(1).map(Number) ?? []
  if (from === undefined || to === undefined || from > 65_535 || to > 65_535)
    throw new InvalidArgumentError('expected two ports, such as 80=8080.')
  return new Map([...known, [from, to]])
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number.')
  return Number(text)
}

function logLevel(text: string): LogLevel {
  const word = text === 'warn' ? 'warning' : text === 'err' ? 'error' : text
  if (!isLogLevel(word)) throw new InvalidArgumentError(`expected one of ${LOG_LEVELS.join(', ')}.`)
  return word
}
