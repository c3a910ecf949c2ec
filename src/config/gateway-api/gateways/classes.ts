// Whose Gateways are served. A folder of manifests has no second controller that would serve a class, so every class is
// ours; its controller's name decides only whose defaults hold. Classes that are not in the files are told by their name.

import { GATEWAY_CLASS } from '../kinds/gateway-class.ts'
import type { Flavour, Working } from '../working.ts'

/** Name that manifests written for Sluice give. */
export const OWN_CONTROLLER = 'sluice.dev/gateway-controller'
/** Azure Application Gateway for Containers. */
export const AGC_CONTROLLER = 'alb.networking.azure.io/alb-controller'

/** The class that AGC's installation brings; manifests name it without having it. */
const AGC_CLASS = 'azure-alb-external'

/** Conditions of all classes; parameters are refused, because none are known. */
export function judgeClasses(working: Working): void {
  for (const resource of working.store.all(GATEWAY_CLASS)) {
    const conditions = working.status.of(resource)
    const { parametersRef } = resource.value.spec
    conditions.set({
      type: 'SupportedVersion',
      status: 'True',
      reason: 'SupportedVersion',
      message: 'the manifests are of a known version',
    })
    if (parametersRef === undefined) {
      conditions.set({ type: 'Accepted', status: 'True', reason: 'Accepted', message: 'the class is served' })
      continue
    }
    const message = `parameters of kind ${parametersRef.kind} are not known`
    conditions.set({ type: 'Accepted', status: 'False', reason: 'InvalidParameters', message })
    working.error(resource.spot.key('spec').key('parametersRef'), `${message}; its Gateways are not served`)
  }
}

/** The flavour of a class; undefined when it was not accepted. */
export function classFlavour(working: Working, name: string): Flavour | undefined {
  const known = working.store.get(GATEWAY_CLASS, '', name)
  if (known === undefined) return name === AGC_CLASS ? 'agc' : 'plain'
  if (!working.status.of(known).isTrue('Accepted')) return undefined
  return known.value.spec.controllerName === AGC_CONTROLLER ? 'agc' : 'plain'
}

/** The controller's name that status of a Gateway's routes carries. */
export function controllerName(working: Working, className: string): string {
  const known = working.store.get(GATEWAY_CLASS, '', className)
  if (known !== undefined) return known.value.spec.controllerName
  return className === AGC_CLASS ? AGC_CONTROLLER : OWN_CONTROLLER
}
