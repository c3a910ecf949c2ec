// Manifests read and their Gateways built, for tests of single steps of the Gateway API dialect.

import assert from 'node:assert/strict'
import { judgeClasses } from '../../src/config/gateway-api/gateways/classes.ts'
import { buildGateways } from '../../src/config/gateway-api/gateways/build.ts'
import type { Condition } from '../../src/config/gateway-api/condition.ts'
import { SERVICE } from '../../src/config/gateway-api/kinds/core.ts'
import { readObjects } from '../../src/config/gateway-api/read.ts'
import type { BackendPort } from '../../src/config/gateway-api/backends/backend-port.ts'
import { type GatewayState, Working } from '../../src/config/gateway-api/working.ts'

export interface ReadManifests {
  readonly working: Working
  readonly gateways: readonly GatewayState[]
  /** The only Gateway, or the one of that name. */
  gateway(name?: string): GatewayState
  /** A port of a Service as the Gateway reaches it. */
  backend(service: string, port: number, gateway?: string): BackendPort
  /** `Accepted=False/InvalidKind` and so on, of an object. */
  conditions(group: string, kind: string, name: string): readonly string[]
  /** Findings as `severity path: message`. */
  findings(): readonly string[]
}

/** Reads text in the namespace `default`, unless objects say another. */
export function readManifests(text: string): ReadManifests {
  const working = new Working({ now: Date.parse('2026-11-21T00:00:00Z') })
  readObjects(working, [{ kind: 'text', name: 'manifests.yaml', text }])
  judgeClasses(working)
  const gateways = buildGateways(working).map(({ state }) => state)
  const gateway = (name?: string): GatewayState => {
    const found = gateways.find(({ resource }) => name === undefined || resource.name === name)
    assert.ok(found !== undefined, `no Gateway ${name ?? ''}`)
    return found
  }
  return {
    working,
    gateways,
    gateway,
    backend(name, number, via) {
      const [namespace = '', own = ''] = name.includes('/') ? name.split('/') : ['default', name]
      const service = working.store.get(SERVICE, namespace, own)
      const port = service?.value.spec.ports.find((each) => each.port === number)
      assert.ok(service !== undefined && port !== undefined, `no port ${number} of Service ${name}`)
      return { gateway: gateway(via), service, port }
    },
    conditions(group, kind, name) {
      const [namespace = '', own = ''] = name.includes('/') ? name.split('/') : ['default', name]
      const object = working.store.find({ group, kind, namespace, name: own })
      assert.ok(object !== undefined, `no ${kind} ${name}`)
      return working.status.of(object).list().map(conditionText)
    },
    findings: () => working.diagnostics.map(({ severity, place, message }) => `${severity} ${place.path}: ${message}`),
  }
}

export const conditionText = ({ type, status, reason }: Condition): string => `${type}=${status}/${reason}`
