// A bounded number of fuzz inputs in every test run; `npm run fuzz` runs more.

import { test } from 'node:test'
import { fuzzEasegressObjects, fuzzGatewayApiManifests } from './dialects.ts'
import { fuzzCookies, fuzzGoTemplates } from './templates.ts'

test('any text of Easegress objects is loaded or refused with reasons', () => fuzzEasegressObjects(2500, 8080))

test('any text of Kubernetes manifests is loaded or refused with reasons', () => fuzzGatewayApiManifests(2500, 6443))

test('any template compiles or is refused where its fault is', () => {
  fuzzGoTemplates(3000, 1024)
})

test('a cookie is the one that a plain reading finds', () => {
  fuzzCookies(5000, 6265)
})
