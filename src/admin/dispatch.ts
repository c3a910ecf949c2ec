// Finds the endpoint of an admin request and decides whether it may be called. Envoy's answers: 403 off allow_paths, 404
// with the list of commands, 400 for a change that is not a POST.

import type { AdminConfig } from '../config/model/proxy.ts'
import { compileStringMatch } from '../route/string-test.ts'
import { browserRefusal, type BrowserHeaders } from './browser-guard.ts'
import type { AdminContext } from './context.ts'
import { type AdminRequest, type AdminResponse, type Endpoint, text } from './endpoint.ts'
import { ENDPOINTS } from './endpoints.ts'
import { helpText } from './help-text.ts'

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map(ENDPOINTS.map((endpoint) => [endpoint.path, endpoint]))

const BELOW: readonly Endpoint[] = ENDPOINTS.filter(({ below }) => below === true)

const endpointAt = (path: string): Endpoint | undefined =>
  BY_PATH.get(path) ?? BELOW.find((endpoint) => path.startsWith(`${endpoint.path}/`))

/** Answers one request; never throws. */
export function dispatch(
  request: AdminRequest,
  browser: BrowserHeaders,
  config: AdminConfig,
  context: AdminContext,
  onFault: (error: unknown) => void,
): AdminResponse {
  if (config.allowPaths.length > 0 && !config.allowPaths.some((match) => compileStringMatch(match)(request.path))) {
    return text(`request to path ${request.path} not allowed\n`, 403)
  }
  const endpoint = endpointAt(request.path)
  if (endpoint === undefined) return text(`invalid path. ${helpText(ENDPOINTS)}`, 404)
  if (endpoint.mutates) {
    if (request.method !== 'POST') return text(`Method ${request.method} not allowed, POST required.`, 400)
    const refusal = browserRefusal(browser)
    if (refusal !== undefined) return text(`${refusal}\n`, 403)
  }
  try {
    return endpoint.handle(request, context)
  } catch (error) {
    onFault(error)
    return text('The admin page failed; the log says more.\n', 500)
  }
}
