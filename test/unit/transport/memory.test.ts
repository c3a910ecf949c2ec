import { byteStreamConformance } from '../../conformance/byte-stream.ts'
import { memoryPair } from '../../../src/transport/memory.ts'

byteStreamConformance('memory', () => ({ ...memoryPair(), dispose: () => undefined }))
