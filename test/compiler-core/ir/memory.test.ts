import { expect, it } from 'vitest'
import { constant } from '../../../compiler-core/ir/build.ts'
import type { Buffer, ElementName, Kernel, Stmt } from '../../../compiler-core/ir/ir.ts'
import { sharedMemory } from '../../../compiler-core/ir/memory.ts'

const buffer = (name: string, size: number, element: ElementName = 'f32'): Buffer =>
  ({ name, element, scope: 'shared', shape: [constant(size)], layout: undefined, origins: [] })
const allocate = (b: Buffer, ...reuses: readonly Buffer[]): Stmt =>
  ({ kind: 'allocate', buffer: b, value: undefined, reuses, origins: [] })

/** `name@first byte` of each buffer, and all bytes. */
function check(title: string, body: readonly Stmt[], expected: string): void {
  it(`${title}: ${expected}`, () => {
    const one = constant(1)
    const kernel: Kernel = { name: 'k', grid: [one, one, one], block: [32, 1, 1], minBlocks: undefined, body, origins: [] }
    const { offsets, bytes } = sharedMemory(kernel)
    expect([...[...offsets].map(([b, at]) => `${b.name}@${at}`), bytes].join(' ')).toBe(expected)
  })
}

const [a, b, c, d] = [buffer('a', 100), buffer('b', 10, 'f16'), buffer('c', 50), buffer('d', 200)]
check('one after the other, 16 bytes aligned', [allocate(a), allocate(b), allocate(c)], 'a@0 b@400 c@432 640')
check('one takes over another', [allocate(a), allocate(b), allocate(c, a)], 'a@0 b@400 c@0 432')
check('one takes over all', [allocate(a), allocate(c), allocate(b, a, c)], 'a@0 c@400 b@0 608')
check('one does not reach into what is in use', [allocate(a), allocate(b), allocate(d, a)], 'a@0 b@400 d@432 1232')
check('inside of loops and conditions', [
  { kind: 'if', condition: constant(1, 'bool'), then: [allocate(a)], otherwise: [allocate(b)], origins: [] }
], 'a@0 b@400 432')
