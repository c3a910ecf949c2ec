// Counts of one endpoint, under the names of Envoy's /clusters page. Plain numbers: upstream changes them in place.

export interface EndpointStats {
  /** Connections open, opened, and failed to open. */
  cxActive: number
  cxTotal: number
  cxConnectFail: number
  /** Requests under way; an open tunnel is one until it ends. LEAST_REQUEST compares this. */
  rqActive: number
  rqTotal: number
  rqSuccess: number
  rqError: number
  rqTimeout: number
}

/** All zero. */
export const endpointStats = (): EndpointStats => ({
  cxActive: 0,
  cxTotal: 0,
  cxConnectFail: 0,
  rqActive: 0,
  rqTotal: 0,
  rqSuccess: 0,
  rqError: 0,
  rqTimeout: 0,
})
