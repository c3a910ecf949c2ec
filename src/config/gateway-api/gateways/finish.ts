// The all-well conditions of Gateways and listeners, once everything that can go wrong has been said.

import type { Working } from '../working.ts'
import type { BoundGateway } from './bound-gateway.ts'
import { canServe } from './build.ts'

/** Fills in what nothing contradicted. */
export function finishGateways(working: Working, gateways: readonly BoundGateway[]): void {
  for (const gateway of gateways) finishGateway(working, gateway)
}

function finishGateway(working: Working, { state, addresses, tls }: BoundGateway): void {
  for (const listener of state.listeners) {
    const { conditions } = listener
    const serves = addresses.length > 0 && canServe(listener, tls)
    const no = conditions.get('Conflicted')
    if (no?.status === 'True') working.error(listener.spot, `${no.message} (${no.reason})`)
    conditions.default({
      type: 'Conflicted',
      status: 'False',
      reason: 'NoConflicts',
      message: 'no listener is in its way',
    })
    conditions.default({ type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the listener is accepted' })
    conditions.default({ type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'all references hold' })
    conditions.default(
      serves
        ? { type: 'Programmed', status: 'True', reason: 'Programmed', message: 'the listener serves' }
        : { type: 'Programmed', status: 'False', reason: 'Invalid', message: 'the listener does not serve' },
    )
  }
  const { listeners, conditions } = state
  const valid = listeners.filter((each) => each.conditions.isTrue('Accepted'))
  if (valid.length === 0) {
    const message = 'no listener is valid'
    conditions.set({ type: 'Accepted', status: 'False', reason: 'ListenersNotValid', message })
    conditions.default({ type: 'Programmed', status: 'False', reason: 'Invalid', message })
  } else if (valid.length < listeners.length) {
    const message = 'some listeners are not valid; the others serve'
    conditions.default({ type: 'Accepted', status: 'True', reason: 'ListenersNotValid', message })
  }
  conditions.default({ type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the Gateway is accepted' })
  conditions.default(
    conditions.isTrue('Accepted')
      ? { type: 'Programmed', status: 'True', reason: 'Programmed', message: 'the Gateway serves' }
      : { type: 'Programmed', status: 'False', reason: 'Invalid', message: 'the Gateway is not accepted' },
  )
}
