// WebApplicationFirewallPolicy of Azure Application Gateway for Containers: names rules that live in Azure. Known here so
// that it can be refused by name.

import { z } from 'zod'
import { ALB_GROUP, albTargetRef } from './alb-target.ts'
import { object } from './field.ts'
import { defineKind } from './kind.ts'

const schema = object({
  spec: object({
    targetRef: albTargetRef,
    webApplicationFirewall: object({ id: z.string() }),
  }),
})

export const WEB_APPLICATION_FIREWALL_POLICY = defineKind({
  group: ALB_GROUP,
  kind: 'WebApplicationFirewallPolicy',
  versions: ['v1'],
  namespaced: true,
  schema,
  status: 'conditions',
})
