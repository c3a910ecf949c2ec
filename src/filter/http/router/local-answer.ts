// Routes that answer by themselves, and requests without a route.

import type { RequestHead } from '../../../codec/http-stream.ts'
import type { DirectAction, RedirectAction } from '../../../config/model/route.ts'
import { evaluate } from '../../../format/evaluate.ts'
import type { SelectedRoute } from '../../../route/compiled-table.ts'
import { redirectLocation } from '../../../route/redirect.ts'
import type { TerminalSink } from '../../http-filter.ts'
import type { RouterTools } from './router-tools.ts'

/** Sends the answer of a direct or redirecting route, or 404 when there is no route. */
export function answerLocally(sink: TerminalSink, head: RequestHead, tools: RouterTools): void {
  const { selected } = sink
  if (selected === undefined) {
    tools.stats.noRoute.value++
    sink.sendLocalReply({
      code: 'route_not_found',
      status: sink.routeMiss?.status ?? 404,
      explanation: sink.routeMiss?.explanation ?? '',
      place: sink.routeMiss?.place,
      closeConnection: head.tunnel !== undefined,
    })
    return
  }
  const { action } = selected.route
  if (action.kind !== 'forward') answerAction(sink, head, tools, action, selected)
}

/** Sends the answer of a route, or of one share of its requests, that is not forwarded. */
export function answerAction(
  sink: TerminalSink,
  head: RequestHead,
  tools: RouterTools,
  action: DirectAction | RedirectAction,
  selected: SelectedRoute,
): void {
  if (action.kind === 'redirect') {
    tools.stats.rqRedirect.value++
    const location = redirectLocation(action, selected.route.match.path, head, (template) =>
      evaluate(template, sink.facts),
    )
    sink.sendLocalReply({
      code: 'direct_response',
      status: action.status,
      explanation: '',
      headers: [['location', location]],
      body: NO_BODY,
    })
  } else {
    tools.stats.rqDirectResponse.value++
    sink.sendLocalReply({
      code: 'direct_response',
      status: action.status,
      explanation: '',
      body: directBody(action, sink),
    })
  }
}

const NO_BODY = { bytes: Buffer.alloc(0), contentType: 'text/plain' }

function directBody(action: DirectAction, sink: TerminalSink): { bytes: Buffer; contentType: string } {
  const { body, contentType } = action
  return { bytes: Buffer.isBuffer(body) ? body : Buffer.from(evaluate(body, sink.facts), 'latin1'), contentType }
}
