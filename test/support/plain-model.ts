// The configuration model as JSON that a person can compare: maps as objects, buffers as text, places as `line:column`.

/** What `path`, such as `listeners[0].chains[0].filter`, leads to; maps are entered by `["key"]` or `.key`. */
export function select(root: unknown, path: string): unknown {
  let value: unknown = root
  for (const [, dotted, index, quoted] of path.matchAll(/\.?([A-Za-z0-9_-]+)|\[(\d+)\]|\["([^"]+)"\]/g)) {
    const key = dotted ?? index ?? quoted ?? ''
    if (value instanceof Map) value = value.get(key)
    else if (typeof value === 'object' && value !== null) value = Reflect.get(value, key)
    else return undefined
  }
  return value
}

/** Whether a value is a Place of the configuration. */
export const isPlace = (value: unknown): value is { line: number; column: number } =>
  typeof value === 'object' &&
  value !== null &&
  'file' in value &&
  'line' in value &&
  'column' in value &&
  'path' in value

/** JSON data for any model value; `place` tells which objects are places. */
export function plainModel(value: unknown, place: typeof isPlace): unknown {
  if (Buffer.isBuffer(value)) return value.toString('utf8')
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), plainModel(item, place)]))
  if (value instanceof Set) return [...value].map((item) => plainModel(item, place))
  if (Array.isArray(value)) return value.map((item) => plainModel(item, place))
  if (place(value)) return `${value.line}:${value.column}`
  if (typeof value !== 'object' || value === null) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON()
  if ('parts' in value && 'source' in value) return value.source
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainModel(item, place)]))
}
