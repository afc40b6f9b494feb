import { expect, it } from 'vitest'
import { jobText, portLayout } from '../../../../compiler-core/runtime/cpu/job.ts'
import { kernel, packageOf } from './support.ts'

const { plan } = packageOf({
  inputs: { x: ['f32', 3], none: ['f32', 0, 2], y: ['f64', 20_000] }, outputs: { z: ['i8', 5] },
  arena: { a: ['f32', 3], b: ['u8', 5] }, views: { v: { of: 'b', type: ['u8', 1, 5] } },
  kernels: [kernel('k', [8, 2, 1], ['f32', '!f32'], '')],
  steps: [{ fill: 'z', value: -2 }, { launch: 'k', grid: [7, 1, 1], on: ['x', 'a'] }, { copy: 'v', to: 'z' }]
})

it('tells the program in numbers what to do on which memory', () => {
  const text = jobText(plan, [{ symbol: 'entry', waits: true }], { time: 1500.5, memory: 2 ** 30, threads: 2 })
  expect(text.split('\n')).toEqual([
    '1501 1073741824 2', '512', '7',
    '1 0 12', '1 65536 0', '1 65536 160000', '2 0 5', '3 0 12', '3 256 5', '3 256 5',
    '1', '1 entry 8 2 1',
    '3', '1 3 1 254', '0 0 7 1 1 2 0 4', '2 6 3', '\0'
  ])
})

it('lays inputs out so that each begins a page', () => {
  expect(portLayout(plan.inputs)).toEqual({ offsets: [0, 65536, 65536], bytes: 262144 })
})
