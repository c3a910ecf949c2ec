// ReferenceGrant: objects of other namespaces may name ones of this.

import { z } from 'zod'
import { groupName, kindName, namespaceName, object, objectName } from './field.ts'
import { defineKind } from './kind.ts'

const schema = object({
  spec: object({
    from: z
      .array(object({ group: groupName, kind: kindName, namespace: namespaceName }))
      .min(1)
      .max(16),
    to: z
      .array(object({ group: groupName, kind: kindName, name: objectName.optional() }))
      .min(1)
      .max(16),
  }),
})

export const REFERENCE_GRANT = defineKind({
  group: 'gateway.networking.k8s.io',
  kind: 'ReferenceGrant',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  schema,
  status: 'none',
})
