// Which clients a listener lets in by their certificates: Gateway spec.tls.frontend (default and per port), or AGC's
// FrontendTLSPolicy. What cannot be checked keeps the listener shut.

import type { StringMatch } from '../../model/string-match.ts'
import { DEFAULT_VALIDATION, type TlsValidation } from '../../model/tls.ts'
import type { Place } from '../../model/place.ts'
import type { Spot } from '../../source/tree.ts'
import type { FrontendTlsPolicyValue } from '../kinds/frontend-tls-policy.ts'
import type { FrontendValidation } from '../kinds/gateway.ts'
import type { Resource } from '../resource.ts'
import type { ListenerState, Working } from '../working.ts'
import { type AuthorityRules, authorityFrom } from './certificate-authorities.ts'

/** `required`: a client without certificate is refused. */
export type ClientValidation =
  | { readonly kind: 'none' }
  | { readonly kind: 'validate'; readonly validation: TlsValidation; readonly required: boolean }
  /** The conditions say why. */
  | { readonly kind: 'shut' }

const NO_CA = 'NoValidCACertificate'
const GATEWAY_RULES: AuthorityRules = { kinds: ['ConfigMap'], wrongKind: 'InvalidCACertificateKind' }
const POLICY_RULES: AuthorityRules = { kinds: ['Secret', 'ConfigMap'], wrongKind: 'InvalidKind' }

/** What the Gateway itself says for a listener's port; the port's own word replaces the default, even with nothing. */
export function gatewayValidation(working: Working, listener: ListenerState): ClientValidation {
  const { resource } = listener.gateway
  const { frontend } = resource.value.spec.tls ?? {}
  if (frontend === undefined) return { kind: 'none' }
  const spot = resource.spot.field('spec').field('tls').field('frontend')
  const index = frontend.perPort.findIndex(({ port }) => port === listener.spec.port)
  const own = frontend.perPort[index]
  const validation = own === undefined ? frontend.default.validation : own.tls.validation
  const at = own === undefined ? spot.field('default') : spot.field('perPort').at(index).field('tls')
  return validation === undefined
    ? { kind: 'none' }
    : lowerGatewayValidation(working, listener, validation, at.field('validation'))
}

function lowerGatewayValidation(
  working: Working,
  listener: ListenerState,
  { caCertificateRefs, mode }: FrontendValidation,
  spot: Spot,
): ClientValidation {
  const { gateway, conditions } = listener
  const authorities: Buffer[] = []
  for (const [index, reference] of caCertificateRefs.entries()) {
    const found = authorityFrom(working, gateway.resource, reference, GATEWAY_RULES)
    if (found.kind === 'resolved') {
      authorities.push(found.value)
      continue
    }
    conditions.set({ type: 'ResolvedRefs', status: 'False', reason: found.reason, message: found.message })
    working.error(spot.field('caCertificateRefs').at(index), found.message)
  }
  if (mode === 'AllowInsecureFallback') {
    gateway.conditions.set({
      type: 'InsecureFrontendValidationMode',
      status: 'True',
      reason: 'ConfigurationChanged',
      message: 'clients with a certificate that is not valid, or without any, are let in',
    })
  }
  if (authorities.length === 0) return shut(listener, 'none of the caCertificateRefs can be used')
  const fallback = mode === 'AllowInsecureFallback'
  return {
    kind: 'validate',
    validation: validationOf(authorities, [], fallback, spot.place),
    required: !fallback,
  }
}

/** What an accepted FrontendTLSPolicy says. */
export function policyValidation(
  working: Working,
  listener: ListenerState,
  policy: Resource<FrontendTlsPolicyValue>,
): ClientValidation {
  const verify = policy.value.spec.default?.verify
  if (verify === undefined) return { kind: 'none' }
  const authority = authorityFrom(working, policy, verify.caCertificateRef, POLICY_RULES)
  if (authority.kind === 'refused') return shut(listener, authority.message)
  const names = verify.subjectAltNames.map((value) => ({ type: 'any' as const, match: exactly(value) }))
  const place = policy.spot.field('spec').field('default').field('verify').place
  return { kind: 'validate', validation: validationOf([authority.value], names, false, place), required: true }
}

/** Writes that the listener takes nobody, because it cannot tell whom to take. */
export function shut({ conditions }: ListenerState, message: string): ClientValidation {
  conditions.set({ type: 'Accepted', status: 'False', reason: NO_CA, message })
  conditions.default({ type: 'ResolvedRefs', status: 'False', reason: 'InvalidCACertificateRef', message })
  return { kind: 'shut' }
}

/** Compared exactly, but for the case of letters. */
export const exactly = (value: string): StringMatch => ({ kind: 'exact', value, ignoreCase: true })

/** A chain must lead to one of the authorities, and a name must match when there are any. */
export const validationOf = (
  authorities: readonly Buffer[],
  subjectAltNames: TlsValidation['subjectAltNames'],
  acceptUntrusted: boolean,
  place: Place,
): TlsValidation => ({
  ...DEFAULT_VALIDATION,
  trustedCa: authorities.length === 0 ? undefined : Buffer.concat(authorities.flatMap((pem) => [pem, NEW_LINE])),
  subjectAltNames,
  acceptUntrusted,
  place,
})

const NEW_LINE = Buffer.from('\n')
