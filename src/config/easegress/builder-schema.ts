// RequestAdaptor, ResponseAdaptor, RequestBuilder and ResponseBuilder: filters that make or change messages.

import { z } from 'zod'
import { fieldNotes } from './read-object.ts'
import { headerMap, method, oneOf, regexp, text, wrong } from './scalar.ts'

const headerChanges = z.object({
  del: z.array(text).optional(),
  set: headerMap.optional(),
  add: headerMap.optional(),
})

export type HeaderChanges = z.output<typeof headerChanges>

const pathChange = z.object({
  replace: text.optional(),
  addPrefix: text.optional(),
  trimPrefix: text.optional(),
  regexpReplace: z.object({ regexp, replace: text.optional() }).optional(),
})

export type PathChange = z.output<typeof pathChange>

const named = { kind: text, name: text }
const template = { leftDelim: text.optional(), rightDelim: text.optional(), template: text.optional() }

export const requestAdaptor = z.object({
  ...named,
  ...template,
  method: method.optional(),
  host: text.optional(),
  path: pathChange.optional(),
  header: headerChanges.optional(),
  body: text.optional(),
})

const COMPRESSION = { compress: 'bodies pass as they are', decompress: 'bodies pass as they are' }

fieldNotes.add(requestAdaptor, { unsupported: { ...COMPRESSION, sign: '' } })

export type RequestAdaptorSpec = z.output<typeof requestAdaptor>

export const responseAdaptor = z.object({
  ...named,
  ...template,
  header: headerChanges.optional(),
  body: text.optional(),
})

fieldNotes.add(responseAdaptor, { unsupported: COMPRESSION })

export type ResponseAdaptorSpec = z.output<typeof responseAdaptor>

const builderFields = {
  ...named,
  ...template,
  sourceNamespace: text.optional(),
  protocol: oneOf('', 'http').optional(),
}

interface Source {
  readonly template?: string | undefined
  readonly sourceNamespace?: string | undefined
}

function oneSource({ template: text, sourceNamespace }: Source, context: z.RefinementCtx): void {
  if (!text && !sourceNamespace) wrong(context, 'needs template or sourceNamespace')
  if (text && sourceNamespace) wrong(context, 'template and sourceNamespace exclude one another')
}

export const requestBuilder = z.object(builderFields).superRefine(oneSource)
export const responseBuilder = z.object(builderFields).superRefine(oneSource)

export type BuilderSpec = z.output<typeof requestBuilder>
