// The all-well conditions of routes that are attached, once their backends have been looked up.

import type { Conditions } from './condition.ts'
import type { GatewayState } from './working.ts'

/** After the Gateways are finished. AGC's routes say, too, whether they are programmed. */
export function finishRoutes(gateways: readonly GatewayState[]): void {
  for (const { flavour, listeners } of gateways)
    for (const { attached, conditions: listener } of listeners)
      for (const { parents } of attached)
        for (const conditions of parents) {
          finish(conditions)
          if (flavour === 'agc') program(conditions, listener.isTrue('Programmed'))
        }
}

const finish = (conditions: Conditions): void =>
  conditions.default({
    type: 'ResolvedRefs',
    status: 'True',
    reason: 'ResolvedRefs',
    message: 'all backends are found',
  })

function program(conditions: Conditions, serves: boolean): void {
  if (serves) conditions.set({ type: 'Programmed', status: 'True', reason: 'Programmed', message: 'the route serves' })
  else
    conditions.default({
      type: 'Programmed',
      status: 'False',
      reason: 'Invalid',
      message: 'no listener of the route serves',
    })
}
