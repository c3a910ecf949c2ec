// `/healthcheck/fail` and `/healthcheck/ok`: takes the server out of and back into its load balancer's rotation.

import { DONE, type Endpoint } from '../endpoint.ts'

export const HEALTHCHECK_FAIL: Endpoint = {
  path: '/healthcheck/fail',
  summary: 'fail health checks, so that load balancers go elsewhere',
  mutates: true,
  parameters: [],
  handle(_, { actions }) {
    actions.failHealthCheck()
    return DONE
  },
}

export const HEALTHCHECK_OK: Endpoint = {
  path: '/healthcheck/ok',
  summary: 'pass health checks again',
  mutates: true,
  parameters: [],
  handle(_, { actions }) {
    actions.passHealthCheck()
    return DONE
  },
}
