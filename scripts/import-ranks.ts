// The order of the folders in src, lowest first: the one place where the layering of docs/architecture.md is written
// down for the machine. scripts/check-imports.ts enforces it.

/**
 * Each line is one rank. A folder may import folders of earlier lines and itself, never another one of its own line.
 * `codec` alone stands for the files directly in it, when `codec/*` gives each folder in it a place of its own.
 */
export const ranks: readonly (readonly string[])[] = [
  ['core'],
  ['config/model'],
  ['config/source', 'config/diagnostics', 'transport', 'websocket', 'observe', 'observe/ledger', 'observe/stats'],
  ['config', 'codec'],
  ['codec/*', 'config/*'],
  ['tunnel', 'format'],
  ['cluster', 'route'],
  ['upstream'],
  ['filter'],
  ['filter/http/*', 'filter/network/*', 'filter/udp'],
  ['connection'],
  ['listener'],
  ['observe/*'],
  ['server'],
  ['admin'],
  ['proxy', 'demo'],
  ['cli', 'index'],
]

/** Folders whose bytes must not pass through Node's own HTTP or stream.pipe. */
export const dataPath: readonly string[] = ['transport', 'codec', 'tunnel', 'connection', 'upstream', 'listener']

/** What the data path may not import. */
export const forbiddenInDataPath: readonly string[] = [
  'node:http',
  'node:http2',
  'node:https',
  'http',
  'http2',
  'https',
]
