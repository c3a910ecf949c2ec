// The examples of RFC 7541 appendix C, decoded with one table per run, and our own encoding read back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HpackDecoder } from '../../../../../src/codec/http2/hpack/decoder.ts'
import { HpackEncoder } from '../../../../../src/codec/http2/hpack/encoder.ts'
import { decoded, encoded } from './blocks.ts'

interface Step {
  readonly hex: string
  readonly fields: readonly string[]
  /** Bytes in the dynamic table afterwards. */
  readonly table: number
}

const REQUEST = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com']
const REQUESTS = [
  REQUEST,
  [...REQUEST, 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
]
const response = (status: string, second: string): string[] => [
  `:status: ${status}`,
  'cache-control: private',
  `date: Mon, 21 Oct 2013 20:13:${second} GMT`,
  'location: https://www.example.com',
]
const RESPONSES = [
  response('302', '21'),
  response('307', '21'),
  [
    ...response('200', '22'),
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
]

const steps = (fields: readonly (readonly string[])[], tables: readonly number[], ...hex: readonly string[]): Step[] =>
  hex.map((text, i) => ({ hex: text, fields: fields[i] ?? [], table: tables[i] ?? 0 }))

const RUNS: Readonly<Record<string, { readonly tableSize?: number; readonly steps: readonly Step[] }>> = {
  'C.2.1 literal with indexing': {
    steps: steps([['custom-key: custom-header']], [55], '400a637573746f6d2d6b65790d637573746f6d2d686561646572'),
  },
  'C.2.2 literal without indexing': { steps: steps([[':path: /sample/path']], [0], '040c2f73616d706c652f70617468') },
  'C.2.3 literal never indexed': { steps: steps([['password: secret']], [0], '100870617373776f726406736563726574') },
  'C.2.4 indexed': { steps: steps([[':method: GET']], [0], '82') },
  'C.3 requests without Huffman': {
    steps: steps(
      REQUESTS,
      [57, 110, 164],
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ),
  },
  'C.4 requests with Huffman': {
    steps: steps(
      REQUESTS,
      [57, 110, 164],
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ),
  },
  'C.5 responses without Huffman': {
    tableSize: 256,
    steps: steps(
      RESPONSES,
      [222, 222, 215],
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54' +
        '6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d' +
        '4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b20766572' +
        '73696f6e3d31',
    ),
  },
  'C.6 responses with Huffman': {
    tableSize: 256,
    steps: steps(
      RESPONSES,
      [222, 222, 215],
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ),
  },
}

describe('RFC 7541 appendix C', () => {
  for (const [name, run] of Object.entries(RUNS)) {
    test(name, () => {
      const decoder = new HpackDecoder()
      if (run.tableSize !== undefined) assert.deepEqual(decoded(decoder, Buffer.from('3fe101', 'hex')), [])
      for (const step of run.steps) {
        assert.deepEqual(decoded(decoder, Buffer.from(step.hex, 'hex')), step.fields)
        assert.equal(decoder.tableSize, step.table)
      }
    })

    test(`${name}, encoded here`, () => {
      const encoder = new HpackEncoder(run.tableSize)
      const decoder = new HpackDecoder()
      for (const { fields } of run.steps) assert.deepEqual(decoded(decoder, encoded(encoder, fields)), fields)
    })
  }
})
