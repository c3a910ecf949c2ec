import assert from 'node:assert/strict'
import { test } from 'node:test'
import { literalTemplate } from '../../../../src/config/model/format-parse.ts'
import { readPart, writePart } from '../../../../src/config/model/model-part.ts'
import { compileRegex, isRegex } from '../../../../src/config/source/regex.ts'

const PLACE = { file: 'x.yaml', line: 3, column: 1, path: 'there' }

const compile = (source: string): ReturnType<Parameters<typeof readPart>[2]> => {
  const regex = compileRegex(source)
  return isRegex(regex) ? regex : undefined
}

/** As it comes out of a file: through JSON text. */
const again = (part: Readonly<Record<string, unknown>>): unknown => {
  const written = writePart(part)
  assert.ok(written !== undefined)
  return readPart({ ...written, content: JSON.parse(JSON.stringify(written.content)) }, PLACE, compile)
}

test('everything the model is made of comes back', () => {
  const part = {
    text: 'yes',
    half: 0.5,
    large: 2 ** 40,
    bytes: Buffer.from([0, 255]),
    map: new Map([['a', { list: [1, 2] }]]),
    set: new Set([5, 6]),
    format: literalTemplate('100%'),
    nothing: null,
  }
  assert.deepEqual(again(part), part)
})

test('places become the place where the part stands, and expressions are compiled again', () => {
  const regex = compile('a+')
  assert.ok(regex !== undefined)
  const back = again({ place: { file: 'other', line: 1, column: 1, path: '' }, regex })
  assert.ok(typeof back === 'object' && back !== null && 'place' in back && 'regex' in back)
  assert.equal(back.place, PLACE)
  assert.ok(typeof back.regex === 'object' && back.regex !== null && 'test' in back.regex)
  assert.ok(typeof back.regex.test === 'function')
  assert.equal(Reflect.apply(back.regex.test, back.regex, ['aaa']), true)
})

test('a part that was changed is not read, whatever the order of its keys', () => {
  const written = writePart({ one: 1, two: { three: 3, four: 4 } })
  assert.ok(written !== undefined)
  const { checksum } = written
  const shuffled = { two: { four: 4, three: 3 }, one: 1 }
  assert.deepEqual(readPart({ content: shuffled, checksum }, PLACE, compile), shuffled)
  assert.equal(readPart({ content: { ...shuffled, one: 2 }, checksum }, PLACE, compile), undefined)
})

test('members that are undefined are no part', () => {
  assert.equal(writePart({ a: undefined }), undefined)
})
