// Makes routers for the chains that end in this filter.

import type { TerminalFilter, TerminalSink } from '../../http-filter.ts'
import { Router } from './router.ts'
import type { RouterTools } from './router-tools.ts'

/** A router for one exchange. */
export const routerFilter =
  (tools: RouterTools) =>
  (sink: TerminalSink): TerminalFilter =>
    new Router(tools, sink)
