// What those who talk to an endpoint tell of it to its cluster's outlier detection. Envoy: Outlier::DetectorHostMonitor. Every
// call only changes numbers: nothing is allocated.

/**
 * What happened on this side of an endpoint, before or instead of an answer: `connect-success` where a higher protocol
 * speaks next and tells its own result, `session-success` where a connection is all there is (TCP), `reset` for a
 * connection or stream that was lost before its answer was complete.
 */
export type LocalOrigin = 'connect-success' | 'session-success' | 'connect-failure' | 'timeout' | 'reset'

/** Of one endpoint; absent where outlier detection is off. */
export interface OutlierMonitor {
  /** The endpoint answered a request, an upgrade or a CONNECT. gRPC statuses are given as the HTTP status they stand for. */
  httpStatus(status: number): void
  /** Something went well or wrong without an answer. A request that ends so calls this once, and not `httpStatus`. */
  localOrigin(event: LocalOrigin): void
  /** An active health check passed, and the endpoint is in the opinion of all its checks healthy. */
  checkPassed(): void
  /** Clock time when an ejection may end at the earliest; undefined = it is not ejected. */
  readonly ejectedUntilMs: number | undefined
}
