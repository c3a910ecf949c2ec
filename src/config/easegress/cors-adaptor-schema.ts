// CORSAdaptor.

import { z } from 'zod'
import { fieldNotes } from './read-object.ts'
import { flag, integer, method, text } from './scalar.ts'

export const corsAdaptor = z.object({
  kind: text,
  name: text,
  allowedOrigins: z.array(text).optional(),
  allowedMethods: z.array(method).optional(),
  allowedHeaders: z.array(text).optional(),
  allowCredentials: flag.optional(),
  exposedHeaders: z.array(text).optional(),
  maxAge: integer(0).optional(),
})

fieldNotes.add(corsAdaptor, {
  ignored: { supportCORSRequest: 'has no effect: answers to cross-origin requests are always marked' },
})
