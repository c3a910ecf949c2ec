import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rates, SAMPLE_S } from '../../../../src/observe/metrics/rates.ts'
import { StatRegistry } from '../../../../src/observe/stats/registry.ts'

const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 0.01, `${actual} is not near ${expected}`)

test('a steady stream has its rate in every average', () => {
  const counter = new StatRegistry().counter('requests')
  const rates = new Rates()
  for (let i = 0; i < 10; i++) {
    rates.sample([counter])
    counter.value += 7 * SAMPLE_S
  }
  assert.deepEqual(rates.of('requests'), { m1: 7, m5: 7, m15: 7 })
})

test('what stopped a minute ago is forgotten by the short average first', () => {
  const counter = new StatRegistry().counter('requests')
  const rates = new Rates()
  rates.sample([counter])
  counter.value = 100 * SAMPLE_S
  rates.sample([counter])
  for (let i = 0; i < 60 / SAMPLE_S; i++) rates.sample([counter])
  const { m1, m5, m15 } = rates.of('requests')
  near(m1, 100 * Math.exp(-1))
  near(m5, 100 * Math.exp(-1 / 5))
  near(m15, 100 * Math.exp(-1 / 15))
})

test('a reset counter never makes a negative rate', () => {
  const counter = new StatRegistry().counter('requests')
  const rates = new Rates()
  counter.value = 50
  rates.sample([counter])
  counter.value = 0
  rates.sample([counter])
  assert.deepEqual(rates.of('requests'), { m1: 0, m5: 0, m15: 0 })
  assert.deepEqual(rates.of('unknown'), { m1: 0, m5: 0, m15: 0 })
})
