// Operators that say what became of the exchange: protocols, code, details, flags, failures, and who closed it and why.

import { placeText } from '../config/model/place.ts'
import { grpcName, grpcStatus } from './grpc-status.ts'
import { known, type OperatorFamily, plain } from './operator.ts'
import { flagText, longFlagText } from './response-flags.ts'

export const OUTCOME_OPERATORS: OperatorFamily = {
  PROTOCOL: plain((facts) => facts.request?.protocol),
  UPSTREAM_PROTOCOL: plain((facts) => known(facts.upstreamProtocol)),
  RESPONSE_CODE: plain((facts) => facts.responseCode),
  RESPONSE_CODE_DETAILS: (argument) => (facts) => {
    const details = known(facts.responseCodeDetails)
    return argument === 'ALLOW_WHITESPACES' ? details : details?.replaceAll(' ', '_')
  },
  RESPONSE_FLAGS: plain((facts) => flagText(facts.flags)),
  RESPONSE_FLAGS_LONG: plain((facts) => longFlagText(facts.flags)),
  UPSTREAM_TRANSPORT_FAILURE_REASON: plain((facts) => known(facts.upstreamTransportFailure)?.replaceAll(' ', '_')),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: plain((facts) => known(facts.downstreamTransportFailure)?.replaceAll(' ', '_')),
  // Deviation: Envoy leaves this unset for most of what its TCP proxy closes, and says it only as the local close reason.
  CONNECTION_TERMINATION_DETAILS: plain((facts) => facts.localCloseReason),
  DOWNSTREAM_LOCAL_CLOSE_REASON: plain((facts) => facts.localCloseReason),
  DOWNSTREAM_DETECTED_CLOSE_TYPE: plain((facts) => facts.downstreamCloseType),
  UPSTREAM_DETECTED_CLOSE_TYPE: plain((facts) => facts.upstreamCloseType),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: plain((facts) => facts.attempts),
  LOCAL_REPLY_BODY: plain((facts) => known(facts.localReplyBody)),
  ACCESS_LOG_TYPE: plain((facts) => facts.logType),
  GRPC_STATUS_NUMBER: plain(grpcStatus),
  GRPC_STATUS: (argument) => (facts) => {
    const status = grpcStatus(facts)
    if (status === undefined || argument === 'NUMBER') return status
    return grpcName(status, argument === 'SNAKE_STRING' ? 'snake' : 'camel')
  },

  // Sluice's own.
  CLOSED_BY: plain((facts) => facts.cause?.by),
  CLOSE_CAUSE: plain((facts) => facts.cause?.code),
  CLOSE_DETAIL: plain((facts) => known(facts.cause?.detail)),
  UPGRADE_TYPE: plain((facts) => known(facts.upgradeType)),
  ROUTE_PLACE: plain((facts) => (facts.routePlace === undefined ? undefined : placeText(facts.routePlace))),
}
