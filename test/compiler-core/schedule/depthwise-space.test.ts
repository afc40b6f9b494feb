/** The space of reference 3.7, whose numbers are those of the original system. */
import { describe, expect, it } from 'vitest'
import { openSubject } from '../../../compiler-core/compile/subjects.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { spaceOf, type Space } from '../../../compiler-core/schedule/space.ts'

const uri = 'file:///project/main.heddle'

function spaceFor(kernel: number, stride: number, level: number): Space {
  const around = `strides: (${stride}, ${stride}), dilations: (1, 1), before: (1, 1), after: (1, 1)`
  const text = `import "std/conv"
instance i = depthwise_conv.staged(n: 1, c: 64, h: 56, w: 56, size: (${kernel}, ${kernel}), ${around})\n`
  const program = createProgram({ read: asked => (asked === uri ? text : undefined), roots: ['file:///project/'] })
  const { subject, problems } = openSubject(program, uri, 'i')
  if (!subject) throw new Error(problems.map(p => p.diagnostic.message).join(' '))
  return spaceOf(subject.schedule, level)!
}

describe('the space of the depthwise convolution', () => {
  it('is the default alone at level 0', () => {
    expect(spaceFor(3, 1, 0).candidates.map(c => c.point.map(x => x.text))).toEqual([['36', '7', '12', '7']])
  })
  it('has 97 schedules for 3 x 3 with stride 1, of 600', () => {
    const { raw, candidates, rejections } = spaceFor(3, 1, 2)
    const indivisible = rejections.filter(r => r.rule.includes('whole steps')).reduce((n, r) => n + r.count, 0)
    expect([raw, raw - indivisible, candidates.length]).toEqual([600, 290, 97])
  })
  it.each([[3, 2, 68], [5, 1, 83], [5, 2, 63], [7, 1, 83]])('for windows of %i with stride %i: %i', (kernel, stride, count) => {
    expect(spaceFor(kernel, stride, 2).candidates).toHaveLength(count)
  })
})
