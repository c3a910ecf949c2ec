// GatewayClass: which controller serves Gateways of that class.

import { z } from 'zod'
import { groupName, kindName, namespaceName, object, objectName } from './field.ts'
import { defineKind } from './kind.ts'

const schema = object({
  spec: object({
    controllerName: z
      .string()
      .max(253)
      .refine((text) => /^[a-z0-9][-a-z0-9.]*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(text), 'is not domain/path'),
    parametersRef: object({
      group: groupName,
      kind: kindName,
      name: objectName,
      namespace: namespaceName.optional(),
    }).optional(),
    description: z.string().max(64).optional(),
  }),
})

export const GATEWAY_CLASS = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'GatewayClass',
  versions: ['v1', 'v1beta1'],
  namespaced: false,
  schema,
  status: 'conditions',
})
