import { describe, expect, it } from 'vitest'
import { openSubject } from '../../../compiler-core/compile/subjects.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import { exceeded, spaceOf, type Space } from '../../../compiler-core/schedule/space.ts'
import { architectureNamed, architectures, defaultTarget } from '../../../compiler-core/target/architectures.ts'

/** The space of the library's `batch_matmul.simt`. */
function simt(level: number, target = defaultTarget): Space {
  const program = createProgram({ read: () => undefined, roots: [], target })
  const { subject, problems } = openSubject(program, 'heddle-std:/matmul.heddle', 'batch_matmul.simt')
  expect(problems).toEqual([])
  const space = subject && spaceOf(subject.schedule, level)
  if (!space) throw new Error('no space')
  return space
}

/** `bwx,bwy,wox,woy,atom,wix,wiy,bk,minblocks,bm,bn,regs,smem` and the threads, as the authors' records write a row. */
function row(space: Space, index: number): string {
  const { point, facts } = space.candidates[index]!
  const [inner, outer, depth, warps, atom] = point.map(c => c.text.replace(/[() ]/g, ''))
  const [minBlocks, m, n, registers, bytes, threads] =
    ['min_blocks', 'block_m', 'block_n', 'registers', 'shared_bytes', 'threads'].map(name => facts.find(f => f.name === name)?.value)
  return `${warps},${outer},${atom},${inner},${depth},${minBlocks},${m},${n},${registers},${bytes} ${threads}`
}

function tally(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1
  return counts
}

const shared = 'both stages of both tiles must fit in shared memory'
const lines = 'a block must load whole lines of both tiles'

describe('the space of the SIMT matmul', () => {
  const sizes: [number, number, number, Record<string, number>][] = [
    [0, 1, 1, {}],
    [1, 48, 25, { [shared]: 23 }],
    [2, 324, 177, { [shared]: 102, [lines]: 45 }]
  ]
  it.each(sizes)('has at level %i of %i points %i legal ones', (level, raw, legal, rejections) => {
    const space = simt(level)
    expect([space.raw, space.candidates.length]).toEqual([raw, legal])
    expect(Object.fromEntries(space.rejections.map(r => [r.rule, r.count]))).toEqual(rejections)
  })

  const rows: [number, number, string][] = [
    [0, 0, '4,2,2,2,row_4x8,4,4,8,1,128,128,136,16384 256'],
    [2, 0, '1,1,1,1,row_4x8,4,4,4,25,16,32,80,1536 32'],
    [2, 14, '2,2,1,1,custom_4x8,4,4,8,6,32,64,80,6144 128'],
    [2, 176, '4,2,3,3,row_2x16,4,4,8,1,96,384,232,30720 256']
  ]
  it.each(rows)('has at level %i as candidate %i %s', (level, index, expected) => {
    expect(row(simt(level), index)).toBe(expected)
  })

  it('has at level 1 the 25 candidates of the reference, in order', () => {
    const space = simt(1)
    expect(space.candidates.map((_, i) => row(space, i))).toEqual([
      '2,2,1,1,row_4x8,4,4,8,6,32,64,80,6144 128', '2,4,1,1,row_4x8,4,4,8,3,32,128,80,10240 256',
      '2,2,1,2,row_4x8,4,4,8,4,32,128,104,10240 128', '2,4,1,2,row_4x8,4,4,8,2,32,256,104,18432 256',
      '2,2,2,1,row_4x8,4,4,8,4,64,64,104,8192 128', '2,4,2,1,row_4x8,4,4,8,2,64,128,104,12288 256',
      '2,2,2,2,row_4x8,4,4,8,3,64,128,144,12288 128', '2,4,2,2,row_4x8,4,4,8,1,64,256,144,20480 256',
      '2,2,1,1,row_4x8,4,8,8,4,32,128,104,10240 128', '2,4,1,1,row_4x8,4,8,8,2,32,256,104,18432 256',
      '2,4,1,2,row_4x8,4,8,8,1,32,512,152,34816 256', '2,2,2,1,row_4x8,4,8,8,3,64,128,144,12288 128',
      '2,4,2,1,row_4x8,4,8,8,1,64,256,144,20480 256', '2,2,2,2,row_4x8,4,8,8,2,64,256,224,20480 128',
      '2,4,2,2,row_4x8,4,8,8,1,64,512,224,36864 256', '2,2,1,1,row_4x8,8,4,8,4,64,64,104,8192 128',
      '2,4,1,1,row_4x8,8,4,8,2,64,128,104,12288 256', '2,2,1,2,row_4x8,8,4,8,3,64,128,144,12288 128',
      '2,4,1,2,row_4x8,8,4,8,1,64,256,144,20480 256', '1,2,2,1,row_4x8,8,4,8,6,64,64,152,8192 64',
      '2,2,2,1,row_4x8,8,4,8,3,128,64,144,12288 128', '2,4,2,1,row_4x8,8,4,8,1,128,128,144,16384 256',
      '1,2,2,2,row_4x8,8,4,8,4,64,128,224,12288 64', '2,2,2,2,row_4x8,8,4,8,2,128,128,216,16384 128',
      '2,4,2,2,row_4x8,8,4,8,1,128,256,216,24576 256'
    ])
  })

  it('has at level 2 as many candidates of each atom, depth and tile as the reference', () => {
    const { candidates } = simt(2)
    const choices = (tune: number) => tally(candidates.map(c => c.point[tune]!.text))
    expect([choices(4), choices(2)]).toEqual([{ row_4x8: 73, custom_4x8: 73, row_2x16: 31 }, { 4: 109, 8: 68 }])
    const fact = (c: typeof candidates[number], name: string) => c.facts.find(f => f.name === name)?.value
    const tiles = tally(candidates.map(c =>
      `${fact(c, 'block_m')}x${fact(c, 'block_n')}/${fact(c, 'threads')}/${c.point[2]!.text}`))
    expect(tiles).toEqual(Object.fromEntries(tilesOfLevel2.split(/,\s+/).map(entry => {
      const [tile, count] = entry.split(': ')
      return [tile, Number(count)]
    })))
  })

  it('is the same for every target, and no target rejects a candidate', () => {
    const texts = (space: Space) => space.candidates.map((_, i) => row(space, i))
    const expected = texts(simt(2))
    for (const { name } of architectures) {
      const space = simt(2, name)
      expect([name, texts(space)]).toEqual([name, expected])
      expect(space.candidates.flatMap(c => exceeded(c.facts, architectureNamed(name)!) ?? [])).toEqual([])
    }
  })
})

/** Tile/threads/depth: how many candidates. */
const tilesOfLevel2 = `16x32/32/4: 2, 16x64/32/4: 3, 16x64/64/4: 3, 16x128/64/4: 4, 16x128/128/8: 1, 24x64/32/4: 1,
32x32/32/4: 2, 32x32/64/4: 2, 32x32/64/8: 2, 32x64/32/4: 2, 32x64/64/4: 5, 32x64/128/4: 2, 32x64/128/8: 2, 32x96/32/4: 2,
32x96/64/4: 2, 32x128/64/4: 3, 32x128/128/4: 3, 32x128/128/8: 3, 32x128/256/8: 3, 32x192/64/4: 3, 32x192/128/4: 2,
32x256/128/4: 1, 32x256/256/8: 4, 32x384/128/4: 1, 32x512/256/8: 1, 48x32/32/4: 2, 48x64/32/4: 2, 48x64/64/4: 3,
48x96/32/4: 2, 48x128/64/4: 3, 48x128/128/8: 1, 48x192/64/4: 3, 48x256/128/8: 1, 64x32/64/4: 2, 64x64/64/4: 2,
64x64/128/4: 2, 64x64/128/8: 2, 64x64/256/4: 2, 64x64/256/8: 2, 64x96/64/4: 2, 64x128/128/4: 2, 64x128/128/8: 2,
64x128/256/4: 5, 64x128/256/8: 5, 64x192/128/4: 2, 64x192/128/8: 2, 64x192/256/4: 2, 64x192/256/8: 2, 64x256/256/4: 3,
64x256/256/8: 3, 64x384/256/4: 3, 64x384/256/8: 3, 96x32/64/4: 2, 96x64/64/4: 2, 96x64/128/4: 2, 96x64/128/8: 2,
96x96/64/4: 2, 96x96/64/8: 2, 96x128/128/4: 2, 96x128/128/8: 2, 96x128/256/8: 3, 96x192/128/4: 2, 96x192/128/8: 2,
96x256/256/8: 3, 96x384/256/8: 3, 128x64/256/4: 2, 128x64/256/8: 2, 128x128/256/4: 2, 128x128/256/8: 2, 128x192/256/4: 2,
128x192/256/8: 2, 192x64/256/4: 2, 192x64/256/8: 2, 192x128/256/4: 2, 192x128/256/8: 2, 192x192/256/4: 2, 192x192/256/8: 2`
