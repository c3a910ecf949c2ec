import { byteStreamConformance } from '../../conformance/byte-stream.ts'
import { pipePair, tcpPair } from './socket-pairs.ts'

byteStreamConformance('tcp', () => tcpPair())
byteStreamConformance('pipe', () => pipePair(), { carriesReset: false })
byteStreamConformance('abstract pipe', () => pipePair(true), { carriesReset: false })
