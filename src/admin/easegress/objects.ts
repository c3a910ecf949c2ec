// `/apis/v2/objects`: the objects of an Easegress configuration as they were read, secrets redacted. For reading only:
// what they say is changed in their file.

import { type AdminResponse, type Endpoint, json } from '../endpoint.ts'
import type { AdminContext } from '../context.ts'

/** Path of the list; one object stands below it by its name. */
export const OBJECTS: Endpoint = {
  path: '/apis/v2/objects',
  summary: 'the objects of an Easegress or Gateway API configuration',
  mutates: false,
  parameters: [],
  below: true,
  handle({ path }, context) {
    const objects = context.config().objects ?? []
    const name = nameBelow(path, '/apis/v2/objects')
    if (name === undefined) return versioned(context, json(objects.map(({ value }) => value)))
    const found = objects.filter((object) => object.name === name)
    if (found.length === 0) return json({ code: 404, message: `no object is named ${name}` }, 404)
    const values = found.map(({ value }) => value)
    return versioned(context, json(values.length === 1 ? values[0] : values))
  },
}

/** The name after `path/`; undefined on the path itself. */
export function nameBelow(path: string, base: string): string | undefined {
  const rest = path.slice(base.length + 1)
  if (rest === '') return undefined
  try {
    return decodeURIComponent(rest)
  } catch {
    return rest
  }
}

/** With the version of the configuration, which here is the time it was loaded. */
export const versioned = (context: AdminContext, response: AdminResponse): AdminResponse => ({
  ...response,
  headers: { 'x-config-version': String(context.configLoadedWallMs()) },
})
