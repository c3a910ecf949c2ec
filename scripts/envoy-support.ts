// Writes docs/envoy-support.md from the table of supported fields and Envoy's own descriptors.
// `node scripts/node.mjs scripts/envoy-support.ts`; a test says when the page is out of date.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { supportPage } from '../src/config/envoy/support-page.ts'
import { fullRegistry } from '../src/config/envoy/registry.ts'

writeFileSync(join(import.meta.dirname, '../docs/envoy-support.md'), supportPage(await fullRegistry()))
